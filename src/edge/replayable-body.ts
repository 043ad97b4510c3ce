/**
 * A request's body that can be sent a second time, as long as it is short: what has been read of it is kept until an answer
 * is passed on. A longer one goes through as it comes, and can be sent once.
 */

/** Bytes of a body that are kept, and of all bodies of a router together. */
const mostBytes = 65_536
const mostBytesInAll = 67_108_864

/** What all bodies of a router have kept. */
export interface KeptBytes {
  count: number
}

export class ReplayableBody {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #kept: KeptBytes
  #chunks: Uint8Array[] | undefined = []
  #bytes = 0
  #isReading = false
  #isWhole = false

  /** @param source read once */
  constructor(source: AsyncIterable<Uint8Array>, kept: KeptBytes) {
    this.#source = source[Symbol.asyncIterator]()
    this.#kept = kept
  }

  /** Nobody has asked for it, or all of it is kept: the next reader gets all of it. */
  get isReplayable(): boolean {
    return this.#chunks !== undefined && (this.#isWhole || !this.#isReading)
  }

  /** The body from its start; only while it is replayable. */
  async *read(): AsyncGenerator<Uint8Array> {
    this.#isReading = true
    if (this.#chunks !== undefined) yield* this.#chunks
    try {
      while (!this.#isWhole) {
        const { value, done } = await this.#source.next()
        if (done === true) this.#isWhole = true
        else {
          this.#keep(value)
          yield value
        }
      }
    } finally {
      // Whoever stops in the middle is the last to read.
      if (!this.#isWhole) await this.#source.return?.()
    }
  }

  /** It will not be needed again. */
  forget(): void {
    this.#chunks = undefined
    this.#kept.count -= this.#bytes
    this.#bytes = 0
  }

  #keep(chunk: Uint8Array): void {
    if (this.#chunks === undefined) return
    this.#bytes += chunk.byteLength
    this.#kept.count += chunk.byteLength
    if (this.#bytes > mostBytes || this.#kept.count > mostBytesInAll) this.forget()
    else this.#chunks.push(chunk)
  }
}
