/** Notes what happens, so that a test can wait for it without caring when it comes, and look at all of it afterwards. */

export interface Recorder<T> {
  readonly seen: readonly T[]
  note(entry: T): void
  /** Resolves once what has been seen satisfies the test; at once where it does already. */
  until(test: (seen: readonly T[]) => boolean): Promise<void>
}

export function createRecorder<T>(): Recorder<T> {
  const seen: T[] = []
  const waiting = new Set<() => void>()
  return {
    seen,
    note(entry) {
      seen.push(entry)
      for (const look of [...waiting]) look()
    },
    until: test =>
      new Promise(resolve => {
        const look = (): void => {
          if (!test(seen)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}
