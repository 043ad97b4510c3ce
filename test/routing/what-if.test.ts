import t from 'tap'
import type { Region } from '../../src/regions/region.ts'
import { createRouter } from '../../src/routing/router.ts'
import { compareFleets } from '../../src/routing/what-if.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import {
  clientIn,
  draining,
  type PlaceName,
  places,
  region,
  rule,
  settings,
  snapshotOf,
  state,
  worldLocator,
} from '../support/world.ts'

const locator = worldLocator()
const names = Object.keys(places) as PlaceName[]
const lowest = { ...settings, rules: [rule({ name: 'default', pick: 'lowest' })] }

/** Weights by place; 0 where none is named. */
const weighing = (by: Partial<Record<PlaceName, number>>) => [0, ...names.map(name => by[name] ?? 0)]
const fleet = (regions: readonly Region[]) => snapshotOf(regions.map(each => state(each)))

t.test('a region that goes sends its clients to the next one, at that one’s cost', async t => {
  const [fra, nrt, iad] = [region('fra', 'frankfurt'), region('nrt', 'tokyo'), region('iad', 'ashburn')]
  const weights = weighing({ frankfurt: 60, tokyo: 30, ashburn: 10 })
  const [effect] = compareFleets({
    before: fleet([fra, nrt, iad]),
    after: fleet([fra, iad]),
    settings: lowest,
    locator,
    weights,
  })
  t.ok(Math.abs(effect!.movedShare - 0.3) < 1e-12)
  t.equal(effect!.moves[0]!.from, 'nrt')
  t.equal(effect!.moves.length, 1)
  const [move] = effect!.moves
  t.ok(move!.afterMs! > move!.beforeMs! + 50)
  t.ok(Math.abs(effect!.meanAfterMs - effect!.meanBeforeMs - 0.3 * (move!.afterMs! - move!.beforeMs!)) < 1e-9)
})

t.test('what changes nothing moves nobody; what leaves nobody says so', async t => {
  const regions = [region('fra', 'frankfurt'), region('nrt', 'tokyo')]
  const weights = weighing({ frankfurt: 1, tokyo: 1 })
  const [same] = compareFleets({ before: fleet(regions), after: fleet(regions), settings, locator, weights })
  t.match(same, { movedShare: 0, moves: [] })
  const [none] = compareFleets({ before: fleet(regions), after: fleet([]), settings, locator, weights })
  t.match(none, {
    movedShare: 1,
    meanAfterMs: 0,
    moves: [
      { to: null, share: 0.5 },
      { to: null, share: 0.5 },
    ],
  })
  t.notOk('afterMs' in none!.moves[0]!)
  const [back] = compareFleets({ before: fleet([]), after: fleet(regions), settings, locator, weights })
  t.match(back, { movedShare: 1, moves: [{ from: null }, { from: null }] })
})

t.test('each rule moves its own clients: tiers, capability and drains count as in the router', async t => {
  const rules = [rule({ name: 'core', tiers: ['core'] }), rule({ name: 'paint', capability: { value: 'paint' } })]
  const waw = region('waw', 'warsaw', { tier: 'core' })
  const fra = region('fra', 'frankfurt', { capabilities: ['paint'] })
  const input = { settings: { ...settings, rules }, locator, weights: weighing({ frankfurt: 1 }) }
  const before = fleet([fra, waw])
  const after = snapshotOf([state(fra, { verdict: draining }), state(waw)])
  t.match(compareFleets({ before, after, ...input }), [
    { rule: 'core', movedShare: 0 },
    { rule: 'paint', movedShare: 1, moves: [{ from: 'fra', to: null }] },
    { rule: 'default', movedShare: 1, moves: [{ from: 'fra', to: 'waw' }] },
  ])
})

t.test('the shares are those of clients that the router itself sends', async t => {
  const random = seededRandom(5)
  for (let round = 0; round < 5; round++) {
    const all = Array.from({ length: 6 }, (_, i) =>
      region(`r${i}`, names[randomInteger(random, names.length)]!, { weight: 1 + randomInteger(random, 3) }),
    )
    const [before, after] = [fleet(all.slice(0, 5)), fleet(all.slice(1))]
    const place = names[randomInteger(random, names.length)]!
    const [effect] = compareFleets({ before, after, settings, locator, weights: weighing({ [place]: 1 }) })
    const clients = 4000
    const routers = [before, after].map(snapshot => {
      const router = createRouter(settings, locator)
      router.useSnapshot(snapshot, 0)
      return (key: string) =>
        router.explain({ address: clientIn(place), host: '', path: '/', method: 'GET', key }).region
    })
    let moved = 0
    for (let i = 0; i < clients; i++) if (routers[0]!(`${i}`) !== routers[1]!(`${i}`)) moved++
    t.ok(Math.abs(moved / clients - effect!.movedShare) < 0.025, `${place}: ${moved / clients}, ${effect!.movedShare}`)
  }
})

t.test('where a header asks for a capability, every value that regions know is looked at', async t => {
  const rules = [rule({ name: 'models', capability: { header: 'x-model' }, pick: 'lowest' })]
  const fra = region('fra', 'frankfurt', { capabilities: ['small', 'large', 'huge'] })
  const nrt = region('nrt', 'tokyo', { capabilities: ['small'] })
  const iad = region('iad', 'ashburn', { capabilities: ['large', 'huge'] })
  const input = { settings: { ...settings, rules }, locator, weights: weighing({ frankfurt: 1, tokyo: 1 }) }
  const effects = compareFleets({ before: fleet([fra, nrt, iad]), after: fleet([nrt, iad]), ...input })
  t.match(effects.slice(0, 3), [
    { rule: 'models', capabilities: [], movedShare: 0.5, moves: [{ from: 'fra', to: 'iad' }] },
    // Over the Pacific it is nearer to Ashburn than round Asia to Frankfurt: Tokyo was there before.
    { rule: 'models', capabilities: ['huge', 'large'], moves: [{ from: 'fra', to: 'iad', share: 0.5 }] },
    { rule: 'models', capabilities: ['small'], movedShare: 0.5, moves: [{ from: 'fra', to: 'nrt' }] },
  ])
  t.match(effects[3], { rule: 'default' })
  t.notOk('capabilities' in effects[3]!)
  t.equal(effects.length, 4)
})

t.test('clients whom an override pins go where the pin says, as the router sends them', async t => {
  const pins = { '10.1.0.1': { region: 'nrt', whenDown: 'route', network: '10.1.0.1/32' } } as const
  const withPins = worldLocator(pins)
  const pin = withPins.pins[0]!
  const frankfurt = withPins.locationNumber(clientIn('frankfurt'))
  const [fra, nrt] = [region('fra', 'frankfurt'), region('nrt', 'tokyo')]
  const pinned = [{ cell: frankfurt, pin, weight: 1 }]
  const input = { settings: lowest, locator: withPins, weights: weighing({ frankfurt: 3 }), pinned }
  const [before, after] = [fleet([fra, nrt]), fleet([fra])]
  const [effect] = compareFleets({ before, after, ...input })
  t.match(effect, { movedShare: 0.25, moves: [{ from: 'nrt', to: 'fra', share: 0.25 }] })
  const routed = [before, after].map(snapshot => {
    const router = createRouter(lowest, withPins)
    router.useSnapshot(snapshot, 0)
    return router.explain({ address: clientIn('frankfurt'), host: '', path: '/', method: 'GET' }).region
  })
  t.same(routed, ['nrt', 'fra'])
  const refusing = [{ cell: frankfurt, pin: { ...pin, whenDown: 'refuse' as const }, weight: 1 }]
  const [refused] = compareFleets({ before, after, ...input, pinned: refusing })
  t.match(refused, { moves: [{ from: 'nrt', to: null, share: 0.25 }] })
})
