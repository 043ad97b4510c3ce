/**
 * Reads the database out of MaxMind's archives: POSIX tar (IEEE 1003.1, pax), one folder with one database in it.
 *
 * Nothing is ever written to a name that stands in the archive. Even so one with links, devices or names that lead out of
 * their folder is refused whole: it is not what MaxMind makes. Works on a stream, in the memory of a few blocks.
 */

import { MeridianError } from '../../errors.ts'
import { shown } from '../../schema.ts'

const blockBytes = 512

/** Members, beside the database, of all kinds: licence, copyright, folders, pax records. */
const maxMembers = 100
const maxOtherBytes = 1024 * 1024

interface Member {
  readonly name: string
  readonly type: string
  readonly sizeBytes: number
}

/**
 * The bytes of `<edition>_YYYYMMDD/<edition>.mmdb`; the last of them come only after the rest of the archive was looked at.
 *
 * @param chunks of the archive, no longer compressed
 * @throws MeridianError GEO_DATABASE_INVALID for anything else than an archive with exactly that database in it
 */
export async function* readArchive(
  chunks: AsyncIterable<Uint8Array>,
  edition: string,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const archive = new BlockReader(chunks)
  const wanted = new RegExp(`^${edition}_\\d{8}/${edition}\\.mmdb$`)
  let found = false
  for (let members = 0; ; members++) {
    const block = await archive.take(blockBytes)
    if (isZero(block)) break
    const member = parseHeader(block)
    if (members >= maxMembers) throw broken(`has more than ${maxMembers} members`)
    checkMember(member)
    const isWanted = wanted.test(member.name)
    if (isWanted && member.type !== 'file') throw broken(`${shown(member.name)} is no file`)
    if (isWanted && found) throw broken('has two databases in it')
    const limit = isWanted ? maxBytes : maxOtherBytes
    if (member.sizeBytes > limit) {
      throw broken(`${shown(member.name)} has ${member.sizeBytes} bytes; expected at most ${limit}`)
    }
    if (isWanted) yield* archive.stream(member.sizeBytes)
    else await archive.take(member.sizeBytes)
    await archive.take(-member.sizeBytes & (blockBytes - 1))
    found ||= isWanted
  }
  if (!found) throw broken(`has no ${edition}_YYYYMMDD/${edition}.mmdb in it`)
  await archive.expectZeros()
}

function parseHeader(block: Buffer): Member {
  // The sum of all bytes, those of the sum itself taken as spaces.
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (octal(block, 148, 8) !== sum) throw broken('has a damaged header in it, or is no tar archive')
  const typeflag = String.fromCharCode(block[156]!)
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: memberTypes[typeflag] ?? `a member of type ${shown(typeflag)}`,
    sizeBytes: octal(block, 124, 12),
  }
}

const memberTypes: Readonly<Record<string, string>> = {
  '0': 'file',
  '\0': 'file',
  '5': 'folder',
  // What their records say of the next member is never used: names are not written to, and sizes are small.
  x: 'pax',
  g: 'pax',
  '1': 'a link',
  '2': 'a symbolic link',
}

function checkMember({ name, type }: Member): void {
  if (!['file', 'folder', 'pax'].includes(type)) throw broken(`${shown(name)} is ${type}; expected files and folders`)
  if (/^\/|\\|(?:^|\/)\.\.(?:\/|$)/.test(name)) throw broken(`${shown(name)} leads out of its folder`)
}

function octal(block: Buffer, start: number, length: number): number {
  const digits = /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', start, start + length))?.[1]
  if (digits === undefined) throw broken('has a header in it with a number that is none, or too large')
  return Number.parseInt(digits, 8)
}

function text(block: Buffer, start: number, length: number): string {
  return block.toString('latin1', start, start + length).split('\0', 1)[0]!
}

/** Bytes in the portions that a reader asks for. */
class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.stream(count)) parts.push(part)
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** The same, as they come. */
  async *stream(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#fill())) throw broken('ends too early')
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }

  async expectZeros(): Promise<void> {
    do {
      if (!isZero(this.#rest)) throw broken('goes on after its end')
    } while (await this.#fill())
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#chunks.next()
    if (done) return false
    this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return true
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

function broken(what: string): MeridianError {
  return new MeridianError('GEO_DATABASE_INVALID', `the archive ${what}`)
}
