/** Durations as an operator writes them: a whole number with its unit. */

import Type from 'typebox'

const millisecondsPer = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** The digits are bounded by unit so that no duration overflows a timer, which counts to 2³¹ − 1 ms, about 24 days. */
const durationPattern = '^(?:[1-9]\\d{0,8}ms|[1-9]\\d{0,5}s|[1-9]\\d{0,3}m|[1-9]\\d?h)$'

/** A text such as `250ms`, `5s`, `2m` or `24h`; never zero. */
export function Duration<D extends string>(byDefault: D) {
  return Type.String({
    pattern: durationPattern,
    expected: 'a duration with its unit (250ms, 5s, 2m, 24h; from 1ms to 99h)',
    default: byDefault,
  })
}

/** Milliseconds of a text that passed the schema. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(text)!
  return Number(count) * millisecondsPer[unit as keyof typeof millisecondsPer]
}
