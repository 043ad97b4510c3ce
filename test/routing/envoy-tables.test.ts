/** Pins Envoy's side to what Envoy publishes, and the tables of docs/routing.md to what the router does. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  ailingTable,
  envoyLocalities,
  envoyPriorities,
  localityTable,
  overflowTable,
  priorityTable,
} from '../../bench/envoy-tables.ts'
import { packageDirectory } from '../../src/paths.ts'
import { clientIn, down, region, routerOf, state } from '../support/world.ts'

const lines = readFileSync(join(packageDirectory, 'docs/routing.md'), 'utf8').split('\n')

/** Rows of the table whose head begins with these words. */
function documented(head: string): string[] {
  const start = lines.findIndex(line => line.startsWith(`| ${head} |`))
  const rows = lines.slice(start + 2)
  return start < 0
    ? []
    : rows.slice(
        0,
        rows.findIndex(line => !line.startsWith('|')),
      )
}

const numbersIn = (row: string): number[] => row.match(/\d+/g)!.map(Number)
const wordsOf = (row: string): string => row.replaceAll(/\d+/g, 'n').replaceAll('*', '')

t.test('what Envoy publishes', async t => {
  for (const [healthy, traffic] of [
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 72],
      [100, 0],
    ],
    [
      [71, 71],
      [99, 1],
    ],
    [
      [50, 50],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [5, 65],
      [7, 93],
    ],
    [
      [25, 25, 100],
      [35, 35, 30],
    ],
    [
      [25, 25, 20],
      [36, 36, 28],
    ],
  ] as const) {
    t.same(envoyPriorities(healthy), traffic, `priority levels of ${healthy} %`)
  }
  for (const [x, traffic] of [
    [100, [33, 67]],
    [70, [33, 67]],
    [69, [32, 68]],
    [50, [26, 74]],
    [25, [15, 85]],
    [0, [0, 100]],
  ] as const) {
    t.same(envoyLocalities([1, 2], [x, 100]).map(Math.round), traffic, `locality X of ${x} %`)
  }
})

t.test('the documented tables are what the router does, to three per cent', async t => {
  for (const [head, computed] of [
    ['healthy in P=0', priorityTable()],
    ['healthy in P=0, P=1', ailingTable()],
    ['healthy in X', localityTable()],
    ['who goes elsewhere', overflowTable()],
  ] as const) {
    const rows = documented(head)
    t.same(rows.map(wordsOf), computed.map(wordsOf), `the table “${head}” has these rows`)
    for (const [place, row] of rows.entries()) {
      const expected = numbersIn(computed[place]!)
      const near = numbersIn(row).every((value, column) => Math.abs(value - expected[column]!) <= 3)
      t.ok(near, `${row} for ${computed[place]}`)
    }
  }
})

t.test('panic: regions whose probes fail are used when there is no other, whatever their share', async t => {
  const ten = Array.from({ length: 10 }, (_, place) => region(`region-${place}`, 'frankfurt'))
  const rows = documented('probes that succeed')
  t.same(
    rows.map(row => numbersIn(row)[0]),
    [10, 6, 5, 4, 1, 0],
  )
  for (const row of rows) {
    const [alive = 0, , envoy, used] = numbersIn(row)
    const router = routerOf(ten.map((each, place) => state(each, place < alive ? {} : { verdict: down })))
    const chosen = Array.from({ length: 256 }, (_, network) =>
      router.route({ address: clientIn('warsaw', network), host: '', path: '/', method: 'GET' }),
    )
    t.equal(new Set(chosen.map(({ best }) => best!.id)).size, used, row)
    t.ok(chosen.every(({ degraded }) => degraded === (alive === 0)))
    t.equal(envoy, alive < 5 ? 10 : alive, 'below half Envoy balances over all')
  }
})
