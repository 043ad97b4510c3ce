/**
 * Encodes values for the data section of a MaxMind DB. A value that was written before becomes a pointer to it, so that
 * names and whole records stand in the file once.
 */

import { MeridianError } from '../../errors.ts'
import { dataType, pointerBase } from './decode.ts'

type NumberType = 'uint16' | 'uint32' | 'uint64' | 'uint128' | 'int32' | 'float' | 'double'

/** A number of a chosen type, where the default would be another. Beyond 2^53 it must be a bigint, to be exact. */
export class MmdbNumber {
  readonly type: NumberType
  readonly value: number | bigint

  constructor(type: NumberType, value: number | bigint) {
    this.type = type
    this.value = value
  }
}

/**
 * What a record may hold. A plain number gets the type that MaxMind's own databases give to its key (`latitude`: double,
 * `geoname_id`: uint32), else uint32, int32 or uint64 when it is whole, double when it is not; `MmdbNumber` chooses.
 * A key whose value is undefined is left out.
 */
export type MmdbValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | MmdbNumber
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue | undefined }

const typeByKey: Readonly<Record<string, NumberType>> = {
  latitude: 'double',
  longitude: 'double',
  accuracy_radius: 'uint16',
  confidence: 'uint16',
  metro_code: 'uint16',
}

const bytesOf = { uint16: 2, uint32: 4, uint64: 8, uint128: 16 } as const

/** Greatest size that a value can declare, in bytes or entries. */
const maxSize = 65_821 + 2 ** 24 - 1

/** The data section of one file while it is being written. */
export class DataEncoder {
  #bytes = Buffer.alloc(1 << 12)
  #length = 0
  /** Where each value that is longer than a pointer was written first. */
  readonly #offsets = new Map<string, number>()

  /** @returns offset of the record; equal records have the same */
  add(record: MmdbValue): number {
    const known = this.#offsets.get(keyOf(record, ''))
    if (known !== undefined) return known
    const offset = this.#length
    this.#write(record, '')
    // Short ones are not worth a pointer, but a record needs an offset whatever its length.
    this.#offsets.set(keyOf(record, ''), offset)
    return offset
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** @param key what the value is called in its map: chooses the type of a plain number */
  #write(value: MmdbValue, key: string): void {
    const identity = keyOf(value, key)
    const known = this.#offsets.get(identity)
    if (known !== undefined) {
      this.#pointer(known)
      return
    }
    const start = this.#length
    this.#writeOut(value, key)
    if (this.#length - start > pointerBytes(start)) this.#offsets.set(identity, start)
  }

  #writeOut(value: MmdbValue, key: string): void {
    if (typeof value === 'string') this.#sized(dataType.string, Buffer.from(value))
    else if (typeof value === 'boolean') this.#header(dataType.boolean, value ? 1 : 0)
    else if (value instanceof Uint8Array) this.#sized(dataType.bytes, value)
    else if (isNumber(value)) this.#number(typed(value, key))
    else if (isArray(value)) {
      this.#header(dataType.array, value.length)
      for (const element of value) this.#write(element, key)
    } else {
      const entries = entriesOf(value)
      this.#header(dataType.map, entries.length)
      for (const [name, entry] of entries) {
        this.#write(name, '')
        this.#write(entry, name)
      }
    }
  }

  #number({ type, value }: MmdbNumber): void {
    if (type === 'double' || type === 'float') {
      const size = type === 'double' ? 8 : 4
      this.#header(dataType[type], size)
      const at = this.#grow(size)
      if (type === 'double') this.#bytes.writeDoubleBE(Number(value), at)
      else this.#bytes.writeFloatBE(Number(value), at)
      return
    }
    const digits = type === 'int32' ? BigInt.asUintN(32, BigInt(value)) : BigInt(value)
    const hex = digits === 0n ? '' : digits.toString(16)
    this.#sized(dataType[type], Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
  }

  #sized(type: number, payload: Uint8Array): void {
    this.#header(type, payload.length)
    this.#append(payload)
  }

  #header(type: number, size: number): void {
    if (size > maxSize) throw unfit(`${size} bytes or entries`, `at most ${maxSize}`)
    const [code, width, base] =
      size < 29 ? [size, 0, 0] : size < 285 ? [29, 1, 29] : size < 65_821 ? [30, 2, 285] : [31, 3, 65_821]
    const extended = type > 7
    this.#append([((extended ? 0 : type) << 5) | code])
    if (extended) this.#append([type - 7])
    if (width > 0) this.#appendUnsigned(size - base, width)
  }

  #pointer(target: number): void {
    const width = pointerBytes(target) - 2
    const digits = target - pointerBase[width]!
    const high = width === 3 ? 0 : Math.floor(digits / 2 ** (8 * (width + 1)))
    this.#append([(dataType.pointer << 5) | (width << 3) | high])
    const low = width === 3 ? digits : digits % 2 ** (8 * (width + 1))
    this.#appendUnsigned(low, width + 1)
  }

  #append(bytes: ArrayLike<number>): void {
    const at = this.#grow(bytes.length)
    this.#bytes.set(bytes, at)
  }

  #appendUnsigned(value: number, width: number): void {
    const at = this.#grow(width)
    this.#bytes.writeUIntBE(value, at, width)
  }

  /** Makes room at the end and returns where it starts. */
  #grow(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], Math.max(2 * this.#bytes.length, this.#length))
    }
    return at
  }
}

/** Text that is the same for equal values of the same types. */
export function keyOf(value: MmdbValue, key: string): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`
  if (isNumber(value)) {
    const number = typed(value, key)
    return `${number.type}:${Object.is(number.value, -0) ? '-0' : number.value}`
  }
  if (isArray(value)) return `[${value.map(element => keyOf(element, key)).join()}]`
  return `{${entriesOf(value).map(([name, entry]) => `${JSON.stringify(name)}:${keyOf(entry, name)}`)}}`
}

function entriesOf(map: { readonly [key: string]: MmdbValue | undefined }): [string, MmdbValue][] {
  return Object.entries(map).filter((entry): entry is [string, MmdbValue] => entry[1] !== undefined)
}

function isNumber(value: MmdbValue): value is number | bigint | MmdbNumber {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof MmdbNumber
}

function isArray(value: MmdbValue): value is readonly MmdbValue[] {
  return Array.isArray(value)
}

function typed(value: number | bigint | MmdbNumber, key: string): MmdbNumber {
  const number = value instanceof MmdbNumber ? value : new MmdbNumber(defaultType(value, key), value)
  if (!fits(number)) throw unfit(`${number.value} for ${key || 'a number'}`, `a value that fits into ${number.type}`)
  return number
}

function defaultType(value: number | bigint, key: string): NumberType {
  const usual = Object.hasOwn(typeByKey, key) ? typeByKey[key] : undefined
  if (usual !== undefined) return usual
  if (typeof value === 'number' && !Number.isInteger(value)) return 'double'
  if (value < 0) return value >= -(2 ** 31) ? 'int32' : 'double'
  if (value < 2 ** 32) return 'uint32'
  return value < 2 ** 64 ? 'uint64' : 'uint128'
}

function fits({ type, value }: MmdbNumber): boolean {
  if (type === 'double' || type === 'float') return Number.isFinite(Number(value))
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false
  if (type === 'int32') return value >= -(2 ** 31) && value < 2 ** 31
  return value >= 0 && BigInt(value) < 1n << BigInt(8 * bytesOf[type])
}

/** For what a file cannot hold. */
export function unfit(value: string, expected: string): MeridianError {
  return new MeridianError('GEO_DATABASE_INVALID', `cannot write ${value}: expected ${expected}`)
}

/** A pointer's own length, by where it leads. */
function pointerBytes(target: number): number {
  if (target < pointerBase[1]) return 2
  if (target < pointerBase[2]) return 3
  return target < pointerBase[2] + 2 ** 27 ? 4 : 5
}
