/** Time and chance as arguments: what `runtime/` passes down, and the simulator replaces. */

/** Milliseconds. Where a function takes a clock, only differences on that same clock mean anything. */
export interface Clock {
  now(): number
  /** Calls back once, after `delayMs`; the function returned cancels it. Never keeps a process alive by itself. */
  after(delayMs: number, callback: () => void): () => void
}

/** Uniform in [0, 1). */
export type Random = () => number
