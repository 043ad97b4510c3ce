/** Reporters of samples as small numbers. Operators make tokens, so there are few; those past the last number share one. */

const mostSources = 256

export class SourceNumbers {
  readonly #numbers = new Map<string, number>()

  numberOf(source: string): number {
    const known = this.#numbers.get(source)
    if (known !== undefined) return known
    const number = this.#numbers.size
    if (number >= mostSources - 1) return mostSources - 1
    this.#numbers.set(source, number)
    return number
  }

  /** In the order of their numbers. */
  get names(): readonly string[] {
    return [...this.#numbers.keys()]
  }
}
