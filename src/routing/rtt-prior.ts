/**
 * What distance alone says of the round trip: the belief that measurements will replace.
 *
 * Calibrated against the published median round trips between 50 cloud regions; `docs/routing.md` shows fit and error,
 * `bench/calibrate-rtt.ts` prints them and the constants below.
 */

/** Light in fibre covers 200 km in a millisecond, and a round trip goes there and back. */
const kmPerRoundTripMs = 100

/** Milliseconds: last mile, queues and equipment at both ends. */
const baseMs = 7.4
/** Cables detour more on land and along coasts than across an ocean: the first part of a path costs more. */
const nearStretch = 1.66
const farStretch = 1.19
/** Where the one gives way to the other: fibre time of the straight line, ms. */
const kneeMs = 86

const continents = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

/** Measured over expected, for pairs of continents that few or crooked cables join; 1 for all others. */
const detours: Readonly<Record<string, number>> = {
  'AF-AS': 1.17,
  'AF-NA': 1.07,
  'AF-OC': 1.38,
  'AF-SA': 1.33,
  'AS-EU': 1.23,
  'AS-OC': 0.89,
  'AS-SA': 1.27,
  'EU-NA': 0.92,
  'EU-SA': 1.12,
  'NA-OC': 0.84,
  'OC-SA': 1.21,
}

/** Index of a continent code for `rttPriorMs`; 0 where it is not known. */
export function continentIndex(code: string | undefined): number {
  return code === undefined ? 0 : (continents as readonly string[]).indexOf(code) + 1
}

const size = continents.length + 1
const detourTable = new Float64Array(size * size).fill(1)
for (const [pair, factor] of Object.entries(detours)) {
  const [a, b] = pair.split('-').map(continentIndex) as [number, number]
  detourTable[a * size + b] = factor
  detourTable[b * size + a] = factor
}

/** The least that light in fibre needs for a round trip over a distance in km, ms. */
export function leastRttMs(km: number): number {
  return km / kmPerRoundTripMs
}

/**
 * Expected round trip in ms.
 *
 * @param km great-circle distance
 * @param a continent index of one end (`continentIndex`), 0 if unknown
 * @param b of the other
 */
export function rttPriorMs(km: number, a = 0, b = 0): number {
  const fibreMs = km / kmPerRoundTripMs
  const straight = nearStretch * Math.min(fibreMs, kneeMs) + farStretch * Math.max(fibreMs - kneeMs, 0)
  return (baseMs + straight) * detourTable[a * size + b]!
}
