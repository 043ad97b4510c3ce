/** What is kept of samples: bounded, fading, and not for one voice to decide. */

import t from 'tap'
import { additive, logarithmic } from '../../../src/routing/latency/estimate-pool.ts'
import {
  LatencyTable,
  mostPerSource,
  type NodeKey,
  weightedMedian,
} from '../../../src/routing/latency/latency-table.ts'
import { normal, seededRandom } from '../../../src/sim/random.ts'

const day = 86_400
const limits = { mostNodes: 100, mostEstimatesPerNode: 16 }
const tableOf = (more: Partial<typeof limits> = {}) => new LatencyTable({ ...limits, ...more }, logarithmic, day)
const here: NodeKey = [1, 2, 3]

/** Believed ms of region 0 at `here`. */
function believed(table: LatencyTable, seconds = 0): number {
  return Math.exp(table.estimate(table.find(...here), 0, seconds)!.value)
}

function add(table: LatencyTable, ms: number, { source = 0, seconds = 0, weight = 1, expected = 100 } = {}) {
  return table.record(here, 0, source, Math.log(ms), Math.log(expected), weight, seconds)
}

t.test('the mean of what was measured', async t => {
  const table = tableOf()
  const random = seededRandom(1)
  for (let i = 0; i < 500; i++) add(table, 80 * Math.exp(0.1 * normal(random)))
  t.ok(Math.abs(believed(table) - 80) < 3, `${believed(table)}`)
  t.equal(table.find(1, 2, 4), -1, 'nothing of another node')
})

t.test('a few wild samples hardly count, a path that really changed does', async t => {
  const table = tableOf()
  const random = seededRandom(2)
  for (let i = 0; i < 100; i++) add(table, i % 20 === 19 ? 3000 : 80 * Math.exp(0.1 * normal(random)))
  t.ok(Math.abs(believed(table) - 80) < 8, `with one in twenty of 3 s: ${believed(table)}`)
  for (let i = 0; i < 200; i++) add(table, 160 * Math.exp(0.1 * normal(random)))
  t.ok(Math.abs(believed(table) - 160) < 10, `after the path has doubled: ${believed(table)}`)
})

t.test('a first sample is believed as far as it is likely', async t => {
  const table = tableOf()
  add(table, 9000)
  t.ok(believed(table) < 401, `expected 100 ms, told 9 s: ${believed(table)}`)
})

t.test('samples fade', async t => {
  const table = tableOf()
  for (let i = 0; i < 8; i++) add(table, 80)
  const samples = (seconds: number) => table.estimate(table.find(...here), 0, seconds)?.samples
  t.equal(samples(0), 8)
  t.equal(samples(day), 4, 'half of them after a half-life')
  t.equal(samples(20 * day), undefined, 'and nothing in the end')
})

t.test('one source counts so much and no more', async t => {
  const table = tableOf()
  for (let i = 0; i < 10_000; i++) add(table, 5, { source: 0 })
  t.equal(table.estimate(table.find(...here), 0, 0)!.samples, mostPerSource)
  for (const source of [1, 2]) for (let i = 0; i < 40; i++) add(table, 100, { source })
  t.ok(Math.abs(believed(table) - 100) < 5, `two against ten thousand samples of one: ${believed(table)}`)
})

t.test('the middle of several values by weight', async t => {
  for (const [votes, expected] of [
    [[[5, 1]], 5],
    [
      [
        [1, 1],
        [2, 1],
        [90, 1],
      ],
      2,
    ],
    [
      [
        [1, 5],
        [2, 1],
        [3, 1],
      ],
      1,
    ],
    [
      [
        [3, 1],
        [1, 1],
        [2, 3],
      ],
      2,
    ],
  ] as const) {
    t.equal(weightedMedian(votes.map(([value, weight]) => ({ value, weight }))), expected, JSON.stringify(votes))
  }
})

t.test('a full table keeps what is in use, however many strangers come', async t => {
  const dropped: number[] = []
  const table = new LatencyTable(limits, logarithmic, day, node => dropped.push(node))
  const known = (i: number) => table.find(i, 0, 0) >= 0
  const sample = (i: number) => table.record([i, 0, 0], 0, 0, 1, 1, 1, 0)
  for (let round = 0; round < 4; round++) for (let i = 0; i < 20; i++) sample(i)
  for (let stranger = 1000; stranger < 1250; stranger++) sample(stranger)
  t.equal(table.size, limits.mostNodes)
  t.equal(dropped.length, 20 + 250 - limits.mostNodes)
  t.ok(Array.from({ length: 20 }, (_, i) => known(i)).every(Boolean), 'those in use are there')
  t.ok(known(1249), 'and the last one who came')
})

t.test('random samples: the table knows what a map would know', async t => {
  const random = seededRandom(3)
  const table = new LatencyTable({ mostNodes: 5000, mostEstimatesPerNode: 64 }, additive, day)
  const sums = new Map<string, number>()
  for (let i = 0; i < 20_000; i++) {
    const key: NodeKey = [Math.floor(random() * 40) - 20, Math.floor(random() * 40) << 20, 4]
    const [region, source] = [Math.floor(random() * 5), Math.floor(random() * 4)]
    const name = `${key}/${region}/${source}`
    const { before } = table.record(key, region, source, 50, 50, 1, 0)
    if (Math.abs(before - (sums.get(name) ?? 0)) > 1e-3) t.equal(before, sums.get(name), name)
    sums.set(name, (sums.get(name) ?? 0) + 1)
  }
  t.equal(new Set([...sums.keys()].map(name => name.split('/')[0])).size, table.size)
})

t.test('a node has room for so many estimates; the oldest one goes', async t => {
  const table = tableOf({ mostEstimatesPerNode: 3 })
  for (let region = 0; region < 5; region++) table.record(here, region, 0, 1, 1, 1, 0)
  const regions = table.estimates(table.find(...here), 0).map(({ region }) => region)
  t.same(regions.sort(), [2, 3, 4])
})

t.test('what is kept comes back', async t => {
  const table = tableOf()
  for (let i = 0; i < 8; i++) add(table, 80, { source: i % 2 })
  table.record([9, 9, 9], 3, 1, 2, 2, 1, 0)
  const again = tableOf()
  for (const row of table.kept(day)) again.restore(row)
  t.equal(again.size, 2)
  t.equal(again.estimate(again.find(...here), 0, day)!.samples, 4, 'faded meanwhile, and not twice')
  t.ok(Math.abs(believed(again, day) - 80) < 0.01)
})
