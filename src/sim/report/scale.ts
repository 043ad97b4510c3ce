/** Axes of charts: from values to places between 0 and 1, and the round values that are written beside them. */

export interface Scale {
  /** 0 at the low end, 1 at the high one; values beyond them lie on the edge. */
  place(value: number): number
  readonly ticks: readonly number[]
  /** Highest value on the axis. */
  readonly end: number
}

/** From 0 to a round number that holds `most`, with about `count` ticks. */
export function linearScale(most: number, count = 5): Scale {
  const step = roundStep((most > 0 ? most : 1) / count, [1, 2, 5, 10])
  const steps = Math.max(1, Math.ceil((most > 0 ? most : 1) / step - 1e-9))
  const end = steps * step
  return { place: value => clamp(value / end), ticks: Array.from({ length: steps + 1 }, (_, i) => i * step), end }
}

/** From `start` to `end` as they are: time. Ticks are round in seconds, minutes or hours. */
export function timeScale(start: number, end: number, count = 6): Scale {
  const span = end > start ? end - start : 1
  const step = roundStep(
    span / count,
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600],
  )
  const first = Math.ceil(start / step)
  const ticks = Array.from({ length: Math.floor((start + span) / step) - first + 1 }, (_, i) => (first + i) * step)
  return { place: value => clamp((value - start) / span), ticks, end: start + span }
}

/** By orders of magnitude, for what spreads over several; `least` and `most` above 0. */
export function logScale(least: number, most: number): Scale {
  const start = Math.floor(Math.log10(least) + 1e-9)
  const end = Math.max(start + 1, Math.ceil(Math.log10(most) - 1e-9))
  const ticks = Array.from({ length: end - start + 1 }, (_, i) => 10 ** (start + i))
  const place = (value: number): number => (value > 0 ? clamp((Math.log10(value) - start) / (end - start)) : 0)
  return { place, ticks, end: 10 ** end }
}

/** Logarithmic only where a linear axis would flatten most of what is there. */
export function fittingScale(values: readonly number[]): Scale {
  const sorted = values.filter(value => value > 0).sort((a, b) => a - b)
  const [least = 1, most = 1] = [sorted[0], sorted.at(-1)]
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 1
  return most / middle > 12 ? logScale(least, most) : linearScale(most)
}

/** The smallest of the round steps that is not below `least`; beyond the last of them, in powers of ten. */
function roundStep(least: number, steps: readonly number[]): number {
  const known = steps.find(step => step >= least)
  if (known !== undefined && (known > steps[0]! || least > steps[0]! / 2)) return known
  const power = 10 ** Math.floor(Math.log10(least))
  return power * [1, 2, 5, 10].find(step => step * power >= least * (1 - 1e-9))!
}

function clamp(place: number): number {
  return place < 0 ? 0 : place > 1 ? 1 : place
}
