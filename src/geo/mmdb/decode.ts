/**
 * Decodes the data section of a MaxMind DB: typed values, one after another, that may point at each other.
 *
 * The bytes are not trusted. Every read is bounded, nesting and the expanded size of one record are limited (a few
 * pointers can stand for billions of values), and so is the total: overlapping records could make a small file take
 * hours. What pointers lead to is decoded once and shared, since names repeat thousands of times.
 */

import type { MeridianError } from '../../errors.ts'

/** Data types of the format, section "Data Field Format"; 12 and 13 exist but never stand in a file. */
export const dataType = {
  pointer: 1,
  string: 2,
  double: 3,
  bytes: 4,
  uint16: 5,
  uint32: 6,
  map: 7,
  int32: 8,
  uint64: 9,
  uint128: 10,
  array: 11,
  boolean: 14,
  float: 15,
} as const

/** What a pointer of each width adds to its digits, so that no two widths name the same offset. */
export const pointerBase = [0, 2048, 526_336, 0] as const

const maxDepth = 64
/** Of one record with every pointer written out; real ones stay below ten thousand. */
const maxRecordBytes = 1 << 20
/** How often the section may be read over in total, each distinct record counted once. */
const maxReadings = 8
/** Expanded size of all that is kept for sharing; beyond it everything is forgotten. */
const maxSharedBytes = 1 << 23

interface Shared {
  readonly value: unknown
  /** Bytes with every pointer written out. */
  readonly expandedBytes: number
  /** Levels of nesting below the value. */
  readonly height: number
}

export class DataSection {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #fail: (fault: string) => MeridianError
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #shared = new Map<number, Shared>()
  readonly #decoded = new Set<number>()
  /** Targets of the pointers being followed right now. */
  readonly #open = new Set<number>()
  #sharedBytes = 0
  #totalRead = 0
  #position = 0
  #recordRead = 0
  #recordExpanded = 0
  #deepest = 0

  /** @param fail makes the error for a fault, which it completes with the name of the file */
  constructor(bytes: Uint8Array, fail: (fault: string) => MeridianError) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#fail = fail
  }

  /**
   * The value at an offset of this section. Parts may be shared between values: treat them as read-only.
   * @throws MeridianError for anything that the format does not allow
   */
  decode(offset: number): unknown {
    if (this.#sharedBytes > maxSharedBytes) this.#forget()
    this.#open.clear()
    this.#recordRead = 0
    this.#recordExpanded = 0
    this.#deepest = 0
    const value = this.#valueAt(offset, 0)
    if (!this.#decoded.has(offset)) {
      this.#decoded.add(offset)
      this.#totalRead += this.#recordRead
      if (this.#totalRead > maxReadings * this.#bytes.length + maxRecordBytes) {
        throw this.#fail(`its records overlap so much that the data would be read more than ${maxReadings} times over`)
      }
    }
    return value
  }

  #forget(): void {
    this.#shared.clear()
    this.#sharedBytes = 0
  }

  #valueAt(offset: number, depth: number): unknown {
    if (offset < 0 || offset >= this.#bytes.length) throw this.#fault(offset, 'lies outside the data section')
    if (this.#open.has(offset)) throw this.#fault(offset, 'contains itself')
    this.#open.add(offset)
    this.#position = offset
    const value = this.#value(depth)
    this.#open.delete(offset)
    return value
  }

  #value(depth: number): unknown {
    if (depth > maxDepth) throw this.#fault(this.#position, `is nested more than ${maxDepth} levels deep`)
    if (depth > this.#deepest) this.#deepest = depth
    const start = this.#position
    const control = this.#byte()
    const type = control >> 5 || this.#extendedType(start)
    if (type === dataType.pointer) return this.#pointedAt(start, control, depth)
    const size = this.#size(control & 31)
    if (type === dataType.map) return this.#map(start, size, depth)
    if (type === dataType.array) return this.#array(start, size, depth)
    return this.#scalar(start, type, size)
  }

  #extendedType(start: number): number {
    const type = 7 + this.#byte()
    if (type === dataType.map) throw this.#fault(start, 'has an extended data type of 0')
    return type
  }

  #pointedAt(start: number, control: number, depth: number): unknown {
    const width = (control >> 3) & 3
    const digits = this.#unsigned(width + 1)
    const target = width === 3 ? digits : (control & 7) * 2 ** (8 * (width + 1)) + digits + pointerBase[width]!
    const resume = this.#position
    const known = this.#shared.get(target) ?? this.#share(start, target, depth)
    if (depth + known.height > maxDepth) throw this.#fault(start, `is nested more than ${maxDepth} levels deep`)
    this.#deepest = Math.max(this.#deepest, depth + known.height)
    this.#position = resume
    this.#recordExpanded += known.expandedBytes
    if (this.#recordExpanded > maxRecordBytes) throw this.#tooLarge(start)
    return known.value
  }

  #share(start: number, target: number, depth: number): Shared {
    if (target >= this.#bytes.length) throw this.#fault(start, `points outside the data section, at ${target}`)
    if (this.#bytes[target]! >> 5 === dataType.pointer) throw this.#fault(start, 'points at another pointer')
    const expandedBefore = this.#recordExpanded
    const deepestBefore = this.#deepest
    this.#deepest = depth
    const value = this.#valueAt(target, depth)
    const shared = { value, expandedBytes: this.#recordExpanded - expandedBefore, height: this.#deepest - depth }
    this.#shared.set(target, shared)
    this.#sharedBytes += shared.expandedBytes
    this.#deepest = Math.max(this.#deepest, deepestBefore)
    // The caller adds it, as for a value that was known.
    this.#recordExpanded = expandedBefore
    return shared
  }

  #map(start: number, entries: number, depth: number): Record<string, unknown> {
    if (2 * entries > this.#bytes.length - this.#position) throw this.#fault(start, `cannot hold ${entries} entries`)
    const map: Record<string, unknown> = {}
    for (let i = 0; i < entries; i++) {
      const keyStart = this.#position
      const key = this.#value(depth + 1)
      if (typeof key !== 'string') throw this.#fault(keyStart, 'is the key of a map and not text')
      const value = this.#value(depth + 1)
      if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true })
      else map[key] = value
    }
    return map
  }

  #array(start: number, length: number, depth: number): unknown[] {
    if (length > this.#bytes.length - this.#position) throw this.#fault(start, `cannot hold ${length} elements`)
    const array: unknown[] = []
    for (let i = 0; i < length; i++) array.push(this.#value(depth + 1))
    return array
  }

  #scalar(start: number, type: number, size: number): unknown {
    switch (type) {
      case dataType.string:
        return this.#string(start, size)
      case dataType.bytes:
        return this.#bytes.slice(this.#take(size), this.#position)
      case dataType.double:
        return this.#view.getFloat64(this.#take(this.#sized(start, size, 8, 8)))
      case dataType.float:
        return this.#view.getFloat32(this.#take(this.#sized(start, size, 4, 4)))
      case dataType.uint16:
        return this.#unsigned(this.#sized(start, size, 0, 2))
      case dataType.uint32:
        return this.#unsigned(this.#sized(start, size, 0, 4))
      case dataType.int32:
        return this.#unsigned(this.#sized(start, size, 0, 4)) | 0
      case dataType.uint64:
        return this.#large(this.#sized(start, size, 0, 8))
      case dataType.uint128:
        return this.#large(this.#sized(start, size, 0, 16))
      case dataType.boolean:
        return this.#sized(start, size, 0, 1) === 1
      default:
        throw this.#fault(start, `has the data type ${type}, which does not exist`)
    }
  }

  #string(start: number, size: number): string {
    const from = this.#take(size)
    try {
      return this.#text.decode(this.#bytes.subarray(from, from + size))
    } catch {
      throw this.#fault(start, 'is text that is not valid UTF-8')
    }
  }

  #sized(start: number, size: number, least: number, most: number): number {
    if (size < least || size > most)
      throw this.#fault(start, `is a number of ${size} bytes, which its type cannot have`)
    return size
  }

  /** Big-endian, at most six bytes. */
  #unsigned(size: number): number {
    const from = this.#take(size)
    let value = 0
    for (let i = from; i < from + size; i++) value = value * 256 + this.#bytes[i]!
    return value
  }

  /** A number where that is exact, else a bigint. */
  #large(size: number): number | bigint {
    if (size <= 6) return this.#unsigned(size)
    const from = this.#take(size)
    let value = 0n
    for (let i = from; i < from + size; i++) value = value * 256n + BigInt(this.#bytes[i]!)
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  }

  #size(code: number): number {
    if (code < 29) return code
    if (code === 29) return 29 + this.#byte()
    return code === 30 ? 285 + this.#unsigned(2) : 65_821 + this.#unsigned(3)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!
  }

  /** Moves over the next bytes and returns where they start. */
  #take(size: number): number {
    const from = this.#position
    if (size > this.#bytes.length - from) throw this.#fault(from, 'runs over the end of the data section')
    this.#position = from + size
    this.#recordRead += size
    this.#recordExpanded += size
    if (this.#recordExpanded > maxRecordBytes) throw this.#tooLarge(from)
    return from
  }

  #tooLarge(offset: number): MeridianError {
    return this.#fault(offset, `makes a record larger than ${maxRecordBytes} bytes`)
  }

  #fault(offset: number, what: string): MeridianError {
    return this.#fail(`the value at data offset ${offset} ${what}`)
  }
}
