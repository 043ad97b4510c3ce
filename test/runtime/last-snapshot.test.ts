/** The fleet on disk: written whole, read with suspicion, and never a reason not to run. */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type AllowedEndpoints, parseAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import type { FleetRecord, FleetState } from '../../src/regions/store.ts'
import {
  createSnapshotKeeper,
  defaultSnapshotFile,
  readLastSnapshot,
  readRemembered,
} from '../../src/runtime/last-snapshot.ts'
import { createFakeClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'

const allowed = (parseAllowedEndpoints(['*.example.com']) as { readonly value: AllowedEndpoints }).value
const drain = { by: 'ops', at: 5, reason: 'kernel update' }

function registered(id: string, more: Partial<FleetRecord> = {}): FleetRecord {
  return {
    region: exampleRegion(id),
    source: 'registered',
    revision: 3,
    registeredAt: 1,
    lease: { epoch: 4, expiresAt: 90 },
    ...more,
  }
}

function fleetOf(...records: FleetRecord[]): FleetState {
  return { now: 100, mode: 'distance-only', incarnation: 'i', records }
}

const text = (...records: object[]): string =>
  JSON.stringify({ version: 1, fleet: 'shop', now: 100, mode: 'auto', records })

t.test('what is kept is what is read, but for loads, which would be too old', async t => {
  const file = join(t.testdir(), 'a', 'new', 'folder', 'last.json')
  const keeper = createSnapshotKeeper({
    file,
    fleet: 'shop',
    clock: createFakeClock(0),
    onFault: error => t.fail(String(error)),
  })
  const fromFile: FleetRecord = { region: exampleRegion('b'), source: 'file', revision: 0, registeredAt: 2, drain }
  const load = { epoch: 4, sequence: 1, receivedAt: 80 }
  keeper.keep(fleetOf(registered('a', { load, drain }), fromFile))
  await keeper.close()
  const warnings: string[] = []
  const read = await readLastSnapshot({
    ...{ file, fleet: 'shop', declared: [exampleRegion('b')], allowed },
    onFault: message => warnings.push(message),
  })
  t.strictSame(read, fleetOf(registered('a', { drain }), fromFile))
  t.same(warnings, [])
  t.same(readdirSync(join(file, '..')), ['last.json'], 'nothing is left beside it')
})

t.test('what cannot be believed is left out, with a reason, and files count all the same', async t => {
  const good = registered('good')
  for (const [what, content, ids, reason] of [
    ['no file', undefined, ['mine'], undefined],
    ['no JSON', '{"version":1,"now":1', ['mine'], /last\.json is left out: it is not JSON/],
    ['an empty file', '', ['mine'], /last\.json is left out: it is not JSON/],
    ['of a later version', text().replace('1', '2'), ['mine'], /version/],
    [
      'of another fleet',
      text(good).replace('shop', 'bank'),
      ['mine'],
      /of fleet "bank"; give each fleet a redis\.snapshotFile/,
    ],
    ['another mode', text().replace('auto', 'panic'), ['mine'], /mode/],
    ['something else altogether', '[1, 2]', ['mine'], /left out/],
    ['one region broken', text({ ...good, region: { id: 'x' } }, good), ['good', 'mine'], /a region in .* is left out/],
    [
      'one region where none may be any more',
      text(registered('a', { region: exampleRegion('a', { endpoints: { publicUrl: 'http://10.0.0.1' } }) }), good),
      ['good', 'mine'],
      /10\.0\.0\.1/,
    ],
  ] as const) {
    const folder = t.testdir(content === undefined ? {} : { 'last.json': content })
    const warnings: string[] = []
    const fleet = await readLastSnapshot({
      ...{ file: join(folder, 'last.json'), fleet: 'shop', declared: [exampleRegion('mine')], allowed },
      onFault: message => warnings.push(message),
    })
    t.same(
      fleet.records.map(({ region }) => region.id),
      ids,
      what,
    )
    t.equal(warnings.length, reason === undefined ? 0 : 1, what)
    if (reason !== undefined) t.match(warnings[0], reason, what)
  }
})

t.test('what operators said is kept as it stood in the store, and left out where it cannot be believed', async t => {
  const file = join(t.testdir(), 'last.json')
  const remembered = {
    ...{ incarnation: 'i', at: 100, mode: 'distance-only' as const },
    ...{ drains: ['a', '5 {}'], tokens: ['1', '{"sha256":"0"}', '2', '{}'] },
  }
  t.equal(await readRemembered(file, 'shop'), undefined, 'no file')
  const keeper = createSnapshotKeeper({ file, fleet: 'shop', clock: createFakeClock(0), onFault: t.error })
  keeper.keep(fleetOf(registered('a')), remembered)
  await keeper.close()
  t.strictSame(await readRemembered(file, 'shop'), remembered)
  t.equal(await readRemembered(file, 'bank'), undefined, 'of another fleet')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"2",', ''))
  t.equal(await readRemembered(file, 'shop'), undefined, 'a value without a name')
  writeFileSync(file, text(registered('a')))
  t.equal(await readRemembered(file, 'shop'), undefined, 'of a router that kept none')
})

t.test('each router of each fleet has a file of its own', async t => {
  for (const [environment, expected] of [
    [{ STATE_DIRECTORY: '/var/lib/meridian:/other' }, '/var/lib/meridian/shop.fra-1.json'],
    [{ XDG_STATE_HOME: '/state' }, '/state/meridian/shop.fra-1.json'],
    [{}, /\/\.local\/state\/meridian\/shop\.fra-1\.json$/],
  ] as const) {
    t.match(defaultSnapshotFile('shop', 'fra-1', environment), expected)
  }
  t.not(defaultSnapshotFile('shop', 'fra-2', {}), defaultSnapshotFile('shop', 'fra-1', {}))
})

t.test('readings are written every two seconds, the last one in any case', async t => {
  const file = join(t.testdir(), 'last.json')
  const clock = createFakeClock(0)
  const keeper = createSnapshotKeeper({ file, fleet: 'shop', clock, onFault: error => t.fail(String(error)) })
  for (const id of ['a', 'b', 'c']) keeper.keep(fleetOf(registered(id)))
  const written = async (id: string) => {
    for (;;) {
      const known = readdirSync(join(file, '..')).includes('last.json') ? readFileSync(file, 'utf8') : ''
      if (known.includes(`"${id}"`)) return
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  await written('a')
  clock.advance(1_999)
  keeper.keep(fleetOf(registered('d')))
  clock.advance(1)
  await written('d')
  keeper.keep(fleetOf(registered('e')))
  await keeper.close()
  t.match(readFileSync(file, 'utf8'), '"e"', 'what waits is written at the end')
})

t.test('whoever reads while it is written meets one whole fleet or the other', async t => {
  const file = join(t.testdir(), 'last.json')
  const clock = createFakeClock(0)
  const keeper = createSnapshotKeeper({ file, fleet: 'shop', clock, onFault: error => t.fail(String(error)) })
  const many = (prefix: string) => Array.from({ length: 300 }, (_, i) => registered(`${prefix}-${i}`))
  keeper.keep(fleetOf(...many('a')))
  await keeper.close()
  let writing = true
  const seen = new Set<string>()
  const readAgain = (async () => {
    while (writing) {
      const { records } = JSON.parse(readFileSync(file, 'utf8')) as FleetState
      seen.add(`${records.length} ${new Set(records.map(({ region }) => region.id[0])).size}`)
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  for (let round = 0; round < 20; round++) {
    clock.advance(2_000)
    keeper.keep(fleetOf(...many('ab'[round % 2]!)))
  }
  await keeper.close()
  writing = false
  await readAgain
  t.same([...seen], ['300 1'])
})

t.test('where it cannot be written, that is told once, and told again only after it worked', async t => {
  const folder = t.testdir({ blocked: 'a file where a folder should be' })
  const clock = createFakeClock(0)
  const faults: unknown[] = []
  const keeper = createSnapshotKeeper({
    file: join(folder, 'blocked', 'last.json'),
    fleet: 'shop',
    clock,
    onFault: error => faults.push(error),
  })
  const attempt = async (): Promise<void> => {
    clock.advance(2_000)
    keeper.keep(fleetOf(registered('a')))
    await keeper.close()
  }
  for (let i = 0; i < 3; i++) await attempt()
  t.match(faults, [{ code: /ENOTDIR|EEXIST/ }])
  t.equal(faults.length, 1)
  rmSync(join(folder, 'blocked'))
  await attempt()
  t.match(readFileSync(join(folder, 'blocked', 'last.json'), 'utf8'), '"a"')
  rmSync(join(folder, 'blocked'), { recursive: true })
  writeFileSync(join(folder, 'blocked'), 'again')
  for (let i = 0; i < 3; i++) await attempt()
  t.equal(faults.length, 2)
})
