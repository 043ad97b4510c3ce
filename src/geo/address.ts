/**
 * IP addresses as the router carries them: parsed once at the door, four 32-bit words after that.
 *
 * Words rather than bytes because every use (table search, prefix arithmetic, hashing) works on words, and a small object
 * of integers is several times cheaper to make than a typed array.
 */

export class ClientAddress {
  readonly family: 4 | 6
  /** Most significant word first, as signed 32-bit integers. An IPv4 address is `w0` alone; the rest is 0. */
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number

  constructor(family: 4 | 6, w0: number, w1 = 0, w2 = 0, w3 = 0) {
    this.family = family
    this.w0 = w0 | 0
    this.w1 = w1 | 0
    this.w2 = w2 | 0
    this.w3 = w3 | 0
  }
}

/** Bits in an address of this family: 32 or 128. */
export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

/**
 * Reads an address in network byte order, as it stands in packets.
 *
 * @param length bytes to read: 4 or 16; any other gives undefined, and so does running past the end
 */
export function addressFromBytes(bytes: Uint8Array, offset: number, length: number): ClientAddress | undefined {
  if (offset < 0 || offset + length > bytes.length) return undefined
  if (length === 4) return new ClientAddress(4, wordAt(bytes, offset))
  if (length !== 16) return undefined
  return new ClientAddress(
    6,
    wordAt(bytes, offset),
    wordAt(bytes, offset + 4),
    wordAt(bytes, offset + 8),
    wordAt(bytes, offset + 12),
  )
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressToBytes(address: ClientAddress): Uint8Array {
  const bytes = new Uint8Array(bitsOf(address.family) / 8)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, address.w0)
  if (address.family === 4) return bytes
  view.setInt32(4, address.w1)
  view.setInt32(8, address.w2)
  view.setInt32(12, address.w3)
  return bytes
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!
}

/**
 * Reads an address as people write it: IPv4 as four decimal numbers without leading zeros, IPv6 as in RFC 4291 §2.2, with
 * or without an IPv4 tail. No zone id, brackets, port or spaces: whoever expects those takes them off first.
 */
export function parseAddress(text: string): ClientAddress | undefined {
  if (text.length > 45) return undefined
  if (text.includes(':')) return parseIpv6(text)
  const word = parseIpv4(text, 0)
  return word === invalid ? undefined : new ClientAddress(4, word)
}

/** Canonical text: RFC 5952 for IPv6, with the IPv4 tail for mapped addresses only (§5). */
export function formatAddress(address: ClientAddress): string {
  const { family, w0, w1, w2, w3 } = address
  if (family === 4) return formatIpv4(w0)
  if (isMapped(address)) return `::ffff:${formatIpv4(w3)}`
  const words = [w0, w1, w2, w3].flatMap(word => [word >>> 16, word & 0xffff])
  const [start, length] = longestZeroRun(words)
  const hex = (part: readonly number[]) => part.map(word => word.toString(16)).join(':')
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`
}

const invalid = -1
const dot = 0x2e
const colon = 0x3a

/** The unsigned word of the dotted decimal text from `at` to the end, or `invalid`. */
function parseIpv4(text: string, at: number): number {
  let word = 0
  for (let octets = 1; octets <= 4; octets++) {
    const start = at
    let octet = 0
    for (; at < text.length && at - start < 3; at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (digit < 0 || digit > 9) break
      octet = octet * 10 + digit
    }
    const leadingZero = at - start > 1 && text.charCodeAt(start) === 0x30
    if (at === start || octet > 255 || leadingZero) return invalid
    word = (word << 8) | octet
    if (octets < 4 && text.charCodeAt(at++) !== dot) return invalid
  }
  return at === text.length ? word >>> 0 : invalid
}

/** Scratch space of the parser, which runs to its end without a pause. */
const groups = new Uint16Array(8)

function parseIpv6(text: string): ClientAddress | undefined {
  let count = 0
  /** Groups before the `::`. */
  let gap = -1
  let at = 0
  if (text.startsWith('::')) {
    gap = 0
    at = 2
  }
  while (at < text.length) {
    const end = endOfGroup(text, at)
    if (text.charCodeAt(end) === dot) {
      const tail = count <= 6 ? parseIpv4(text, at) : invalid
      if (tail === invalid) return undefined
      groups[count++] = tail >>> 16
      groups[count++] = tail
      break
    }
    if (end === at || end - at > 4 || count === 8) return undefined
    groups[count++] = hexValue(text, at, end)
    if (end === text.length) break
    if (text.charCodeAt(end) !== colon || end + 1 === text.length) return undefined
    at = end + 1
    if (text.charCodeAt(at) === colon) {
      if (gap >= 0) return undefined
      gap = count
      at++
    }
  }
  if (gap < 0 ? count < 8 : count > 7) return undefined
  if (gap >= 0) openGap(gap, count)
  return new ClientAddress(6, groupPair(0), groupPair(2), groupPair(4), groupPair(6))
}

function endOfGroup(text: string, at: number): number {
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isDigit = code >= 0x30 && code <= 0x39
    const letter = code | 0x20
    if (!isDigit && (letter < 0x61 || letter > 0x66)) break
  }
  return at
}

/** Value of hexadecimal digits, which they are known to be. */
function hexValue(text: string, at: number, end: number): number {
  let value = 0
  for (; at < end; at++) {
    const code = text.charCodeAt(at)
    // The low four bits of a letter are 1 for A, whatever its case.
    value = (value << 4) | (code <= 0x39 ? code - 0x30 : (code & 15) + 9)
  }
  return value
}

/** Moves the groups that were read after the `::` to the end and fills in the zeros it stands for. */
function openGap(gap: number, count: number): void {
  const tail = 8 - (count - gap)
  groups.copyWithin(tail, gap, count)
  groups.fill(0, gap, tail)
}

function groupPair(index: number): number {
  return (groups[index]! << 16) | groups[index + 1]!
}

function formatIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
}

/** Start and length of the first longest run of zeros (RFC 5952 §4.2.3). */
function longestZeroRun(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  let start = 0
  words.forEach((word, index) => {
    if (word !== 0) start = index + 1
    else if (index + 1 - start > best[1]) best = [start, index + 1 - start]
  })
  return best
}

/** IPv4-mapped, `::ffff:0:0/96` (RFC 4291 §2.5.5.2): how a dual-stack socket reports an IPv4 peer. */
export function isMapped({ family, w0, w1, w2 }: ClientAddress): boolean {
  return family === 6 && w0 === 0 && w1 === 0 && w2 === 0xffff
}

/** What `embeddingOf` returns for an address that is just itself. */
export const notEmbedded = 0

/**
 * How many bits of an IPv6 address stand before the IPv4 address inside it, `notEmbedded` (0) where there is none.
 *
 * 96 for mapped (RFC 4291 §2.5.5.2), NAT64 `64:ff9b::/96` (RFC 6052 §2.1) and Teredo `2001::/32` (RFC 4380 §4);
 * 16 for 6to4 `2002::/16` (RFC 3056 §2).
 */
export function embeddingOf(address: ClientAddress): 0 | 16 | 96 {
  if (address.family === 4) return notEmbedded
  const { w0, w1, w2 } = address
  if (w0 >>> 16 === 0x2002) return 16
  if (w0 === 0x2001_0000) return 96
  if (w1 !== 0) return notEmbedded
  return (w0 === 0 && w2 === 0xffff) || (w0 === 0x0064_ff9b && w2 === 0) ? 96 : notEmbedded
}

/** The IPv4 word inside an address for which `embeddingOf` is not 0. Makes no object: for hot paths. */
export function embeddedIpv4({ w0, w1, w3 }: ClientAddress): number {
  if (w0 >>> 16 === 0x2002) return (w0 << 16) | (w1 >>> 16)
  // Teredo hides the client's address from middleboxes by inverting its bits (RFC 4380 §4).
  return w0 === 0x2001_0000 ? ~w3 : w3
}

/**
 * The IPv4 address inside an IPv6 one, or the address itself.
 *
 * For geolocation only, never for trust: anybody can write any IPv4 address into a 6to4, NAT64 or Teredo address.
 */
export function unfold(address: ClientAddress): ClientAddress {
  return embeddingOf(address) === notEmbedded ? address : new ClientAddress(4, embeddedIpv4(address))
}
