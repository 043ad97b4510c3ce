/**
 * Texts in shared memory, each kept once and known by a small number; 0 is no text.
 *
 * A database has a hundred thousand names of cities, and hardly any is ever shown to somebody: as bytes they cross from
 * thread to thread for nothing, and become text when they are asked for.
 */

/** What a table consists of: text n is UTF-8, from ends[n - 1] to ends[n]. */
export interface StringColumns {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

export class StringTableBuilder {
  readonly #numbers = new Map<string, number>()

  numberOf(text: string | undefined): number {
    if (text === undefined) return 0
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(text, number)
    }
    return number
  }

  finish(): StringColumns {
    const texts = [...this.#numbers.keys()].map(text => Buffer.from(text, 'utf8'))
    const length = texts.reduce((sum, text) => sum + text.length, 0)
    const bytes = new Uint8Array(new SharedArrayBuffer(length))
    const ends = new Uint32Array(new SharedArrayBuffer(4 * (texts.length + 1)))
    for (const [index, text] of texts.entries()) {
      bytes.set(text, ends[index])
      ends[index + 1] = ends[index]! + text.length
    }
    return { bytes, ends }
  }
}

export class StringTable {
  readonly #bytes: Buffer
  readonly #ends: Uint32Array

  constructor({ bytes, ends }: StringColumns) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#ends = ends
  }

  textOf(number: number): string | undefined {
    return number === 0 ? undefined : this.#bytes.toString('utf8', this.#ends[number - 1], this.#ends[number])
  }
}
