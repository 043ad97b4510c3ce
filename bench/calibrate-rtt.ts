/**
 * Fits the constants of `src/routing/rtt-prior.ts` to a matrix of measured round trips between cloud regions, and prints
 * how good they are: in sample, and cross-validated with a tenth of the sites left out at a time.
 *
 *   npx node bench/calibrate-rtt.ts [folder with inter-region-rtt-ms.csv and region-coordinates.json]
 */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { distanceKm } from '../src/geo/coordinates.ts'
import { continentIndex, rttPriorMs } from '../src/routing/rtt-prior.ts'
import { seededRandom } from '../test/support/seeded-random.ts'

interface Site {
  readonly name: string
  readonly coordinates: { readonly latitude: number; readonly longitude: number }
  readonly continent: string
}

export interface Pair {
  readonly a: Site
  readonly b: Site
  readonly km: number
  readonly rttMs: number
}

type Predict = (pair: Pair) => number

/** Reads the matrix; one entry for each unordered pair of sites that has a measurement. */
export function readPairs(folder: string): Pair[] {
  const places = JSON.parse(readFileSync(join(folder, 'region-coordinates.json'), 'utf8')) as Record<
    string,
    { lat: number; lon: number; displayName: string }
  >
  const sites = new Map(
    Object.values(places).map(({ lat, lon, displayName }) => [
      displayName,
      { name: displayName, coordinates: { latitude: lat, longitude: lon }, continent: continentOf(lat, lon) },
    ]),
  )
  const [header, ...rows] = readFileSync(join(folder, 'inter-region-rtt-ms.csv'), 'utf8')
    .trim()
    .split(/\r?\n/)
    .map(line => line.split(','))
  const pairs: Pair[] = []
  for (const [from, ...cells] of rows) {
    cells.forEach((cell, column) => {
      const to = header![column + 1]!
      const [a, b] = [sites.get(from!), sites.get(to)]
      if (cell.trim() === '' || a === undefined || b === undefined || from! >= to) return
      pairs.push({ a, b, km: distanceKm(a.coordinates, b.coordinates), rttMs: Number(cell) })
    })
  }
  return pairs
}

/** Good enough for the sites of the matrix, none of which lies near a border of continents. */
function continentOf(latitude: number, longitude: number): string {
  if (longitude < -30) return latitude < 12 ? 'SA' : 'NA'
  if (longitude > 110 && latitude < -10) return 'OC'
  if (latitude < 12 && longitude < 52) return 'AF'
  if (longitude < 34 && latitude > 34) return 'EU'
  return 'AS'
}

interface Line {
  readonly base: number
  readonly near: number
  readonly far: number
  readonly knee: number
}

const predictLine = ({ base, near, far, knee }: Line, km: number): number =>
  base + near * Math.min(km / 100, knee) + far * Math.max(km / 100 - knee, 0)

/** Robust fit (Huber weights, 10 ms) of a line with one knee, the knee by search. */
function fitLine(pairs: readonly Pair[]): Line {
  let best: { line: Line; loss: number } | undefined
  for (let knee = 20; knee <= 90; knee++) {
    const line = fitAtKnee(pairs, knee)
    const loss = sum(pairs.map(p => huber(predictLine(line, p.km) - p.rttMs)))
    if (best === undefined || loss < best.loss) best = { line, loss }
  }
  return best!.line
}

function fitAtKnee(pairs: readonly Pair[], knee: number): Line {
  let line: Line = { base: 5, near: 1.6, far: 1.6, knee }
  for (let round = 0; round < 30; round++) {
    const rows = pairs.map(p => {
      const error = Math.abs(predictLine(line, p.km) - p.rttMs)
      return {
        x: [1, Math.min(p.km / 100, knee), Math.max(p.km / 100 - knee, 0)] as const,
        y: p.rttMs,
        weight: error <= 10 ? 1 : 10 / error,
      }
    })
    const [base, near, far] = solveNormal(rows)
    line = { base: base!, near: near!, far: far!, knee }
  }
  return line
}

/** Weighted least squares by the normal equations and Gauss elimination; three unknowns. */
function solveNormal(rows: readonly { x: readonly number[]; y: number; weight: number }[]): number[] {
  const n = rows[0]!.x.length
  const m = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => sum(rows.map(r => r.weight * r.x[i]! * r.x[j]!))),
    sum(rows.map(r => r.weight * r.x[i]! * r.y)),
  ])
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      if (k === i) continue
      const factor = m[k]![i]! / m[i]![i]!
      for (let j = i; j <= n; j++) m[k]![j]! -= factor * m[i]![j]!
    }
  }
  return m.map((row, i) => row[n]! / row[i]!)
}

/** Median of measured over predicted for each pair of continents, drawn towards 1 where there are few sites. */
function fitDetours(pairs: readonly Pair[], line: Line, doubt = 5): Map<string, number> {
  const ratios = Map.groupBy(pairs, continentsOf)
  return new Map(
    [...ratios].map(([key, members]) => {
      const logs = members.map(p => Math.log(p.rttMs / predictLine(line, p.km)))
      return [key, Math.exp((members.length / (members.length + doubt)) * quantile(logs, 0.5))]
    }),
  )
}

const continentsOf = ({ a, b }: Pair): string => [a.continent, b.continent].sort().join('-')

function fit(pairs: readonly Pair[], byContinent: boolean): Predict {
  const line = fitLine(pairs)
  const detours = byContinent ? fitDetours(pairs, line) : new Map<string, number>()
  return pair => predictLine(line, pair.km) * (detours.get(continentsOf(pair)) ?? 1)
}

/** Every pair predicted by a fit that saw neither of its ends. */
function crossValidate(pairs: readonly Pair[], byContinent: boolean): number[] {
  const names = [...new Set(pairs.flatMap(p => [p.a.name, p.b.name]))].sort()
  const foldOf = new Map(names.map((name, i) => [name, (i * 7) % 10]))
  const predictions = pairs.map(() => [] as number[])
  for (let fold = 0; fold < 10; fold++) {
    const held = (p: Pair): boolean => foldOf.get(p.a.name) === fold || foldOf.get(p.b.name) === fold
    const predict = fit(
      pairs.filter(p => !held(p)),
      byContinent,
    )
    pairs.forEach((p, i) => {
      if (held(p)) predictions[i]!.push(predict(p))
    })
  }
  return predictions.map(values => sum(values) / values.length)
}

/** How far the region that a prediction picks is from the truly best one: every site as client, 17 others as regions. */
function regrets(pairs: readonly Pair[], predictions: readonly number[]): number[] {
  const table = new Map<string, { rttMs: number; predicted: number }>()
  pairs.forEach((p, i) => {
    const entry = { rttMs: p.rttMs, predicted: predictions[i]! }
    table.set(`${p.a.name}|${p.b.name}`, entry).set(`${p.b.name}|${p.a.name}`, entry)
  })
  const names = [...new Set(pairs.flatMap(p => [p.a.name, p.b.name]))].sort()
  const random = seededRandom(1)
  const found: number[] = []
  for (let round = 0; round < 5000; round++) {
    const [client, ...regions] = names
      .map(name => ({ name, at: random() }))
      .sort((x, y) => x.at - y.at)
      .slice(0, 18)
    const entries = regions.flatMap(region => table.get(`${client!.name}|${region.name}`) ?? [])
    if (entries.length === 0) continue
    const chosen = entries.reduce((best, entry) => (entry.predicted < best.predicted ? entry : best))
    found.push(chosen.rttMs - Math.min(...entries.map(entry => entry.rttMs)))
  }
  return found
}

function report(name: string, pairs: readonly Pair[], predictions: readonly number[]): void {
  const errors = pairs.map((p, i) => Math.abs(p.rttMs - predictions[i]!))
  const relative = pairs.map((p, i) => Math.abs(p.rttMs - predictions[i]!) / p.rttMs)
  const regret = regrets(pairs, predictions)
  console.log(
    [
      name.padEnd(44),
      (sum(errors) / errors.length).toFixed(1).padStart(9),
      quantile(errors, 0.5).toFixed(1).padStart(9),
      quantile(errors, 0.9).toFixed(1).padStart(9),
      `${(100 * quantile(relative, 0.5)).toFixed(1)} %`.padStart(9),
      (sum(regret) / regret.length).toFixed(2).padStart(9),
      quantile(regret, 0.99).toFixed(0).padStart(9),
    ].join(''),
  )
}

const huber = (error: number): number => (Math.abs(error) <= 10 ? error ** 2 / 2 : 10 * (Math.abs(error) - 5))
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((x, y) => x - y)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
}

function main(): void {
  const folder = process.argv[2] ?? resolve(import.meta.dirname, '../../shared/data/azure')
  const pairs = readPairs(folder)
  const line = fitLine(pairs)
  console.log(`${pairs.length} pairs of ${new Set(pairs.flatMap(p => [p.a.name, p.b.name])).size} sites\n`)
  console.log(`${'ms'.padEnd(44)}     mean   median      p90   median   regret   regret`)
  console.log(`${''.padEnd(44)}    error    error    error relative     mean      p99`)
  report(
    '1.6 x fibre, uncalibrated',
    pairs,
    pairs.map(p => (1.6 * p.km) / 100),
  )
  report('knee, in sample', pairs, pairs.map(fit(pairs, false)))
  report('knee and continents, in sample', pairs, pairs.map(fit(pairs, true)))
  report(
    'constants in use',
    pairs,
    pairs.map(({ a, b, km }) => rttPriorMs(km, continentIndex(a.continent), continentIndex(b.continent))),
  )
  report('knee, sites unseen', pairs, crossValidate(pairs, false))
  report('knee and continents, sites unseen', pairs, crossValidate(pairs, true))
  console.log(
    `\nbaseMs ${line.base.toFixed(2)}, nearStretch ${line.near.toFixed(3)}, farStretch ${line.far.toFixed(3)}, kneeMs ${line.knee}`,
  )
  const counts = Map.groupBy(pairs, continentsOf)
  for (const [key, factor] of [...fitDetours(pairs, line)].sort()) {
    console.log(`${key}  ${factor.toFixed(2)}  (${counts.get(key)!.length} pairs)`)
  }
}

if (import.meta.main) main()
