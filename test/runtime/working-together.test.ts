/** What routers of a fleet do together: telling each other of their traffic, and having one of them set the tolls. */

import { pino } from 'pino'
import t from 'tap'
import type { FleetExchange } from '../../src/regions/exchange.ts'
import { createMemoryStore } from '../../src/regions/memory-store.ts'
import type { FlightSums } from '../../src/regions/router-sums.ts'
import type { Snapshot } from '../../src/regions/snapshot.ts'
import { startLeading } from '../../src/runtime/lead-tolls.ts'
import { startSharing } from '../../src/runtime/share-sums.ts'
import { createFakeClock, type FakeClock } from '../support/clocks.ts'
import { clientIn, load, region, routerOf, snapshotOf, state } from '../support/world.ts'

const away = () => Promise.reject(new Error('Redis is away'))

/** Lets everything come to rest that waits for promises alone. */
const settle = () => new Promise(resolve => setImmediate(resolve))

async function pass(clock: FakeClock, ms: number, stepMs = 50): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs)
    await settle()
  }
}

function logger() {
  const lines: string[] = []
  return {
    lines,
    log: pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }),
  }
}

const near = () => state(region('near', 'amsterdam'), { load: load(0, 100) })
const far = () => state(region('far', 'tokyo'), { load: load(0, 100) })

t.test('others are heard five times a second, kept for three seconds of silence, and then left out', async t => {
  const clock = createFakeClock()
  const { log, lines } = logger()
  const router = routerOf([near()])
  const others: FlightSums[] = [{ open: { near: 50 }, modelled: {}, sentPerSecond: 1, answersPerSecond: 0 }]
  let answer: () => Promise<readonly FlightSums[]> = async () => others
  const told: { readonly demand: boolean; readonly at: number }[] = []
  const peers: number[] = []
  const stop = startSharing({
    exchange: {
      share(_flights, demand) {
        told.push({ demand: demand !== undefined, at: clock.now() })
        return answer()
      },
    },
    ...{ router, clock, everyMs: 200, log },
    onPeers: count => peers.push(count),
  })
  const address = clientIn('amsterdam')
  const believed = () => {
    const { candidates } = router.explain({ address, host: '', path: '/', method: 'GET' })
    return candidates[0]!.believed!.utilisation
  }
  await pass(clock, 4_000)
  t.equal(believed(), 0.5)
  t.equal(told.length, 21)
  t.same(
    told.filter(({ demand }) => demand).map(({ at }) => at),
    [0, 2_000, 4_000],
    'the long lists every two seconds',
  )
  answer = away
  await pass(clock, 2_950)
  t.equal(believed(), 0.5)
  await pass(clock, 300)
  t.equal(believed(), 0)
  t.equal(peers.at(-1), 0)
  await pass(clock, 5_000)
  answer = async () => others
  await pass(clock, 200)
  t.equal(believed(), 0.5)
  t.equal(peers.at(-1), 1)
  t.same(lines, [
    'the other routers cannot be heard: what they send to regions is soon left out',
    'the other routers can be heard again',
  ])
  await stop()
  const calls = told.length
  await pass(clock, 1_000)
  t.equal(told.length, calls, 'stopped')
})

/** Two regions, of which the near one has room for half of what is asked. */
function busyRouter() {
  const router = routerOf([near(), far()])
  return { router, ask: () => router.route({ address: clientIn('amsterdam'), host: '', path: '/', method: 'GET' }) }
}

t.test('whoever leads sets tolls; without the store nobody leads', async t => {
  const clock = createFakeClock()
  const { log, lines } = logger()
  const store = createMemoryStore({ clock, leaseMs: 10_000 })
  const { router, ask } = busyRouter()
  const lead: boolean[] = []
  let isAway = false
  const through = <A extends unknown[], R>(method: (...args: A) => Promise<R>) => {
    return (...args: A): Promise<R> => (isAway ? away() : method.apply(store.exchange, args))
  }
  const { exchange } = store
  const spoilt: Pick<FleetExchange, 'demands' | 'lead' | 'setTolls' | 'leave'> = {
    demands: through(exchange.demands),
    lead: through(exchange.lead),
    setTolls: through(exchange.setTolls),
    leave: through(exchange.leave),
  }
  const snapshot = snapshotOf([near(), far()])
  const stop = startLeading({
    ...{ exchange: spoilt, router, clock, tollsEveryMs: 2_000, log },
    currentSnapshot: () => snapshot,
    onLead: isLeading => lead.push(isLeading),
  })
  await settle()
  t.same(lead, [true])
  // Two hundred requests a second that stay for a second each, in a region of a hundred slots.
  for (let second = 0; second < 30; second++) {
    for (let i = 0; i < 200; i++) ask()
    await pass(clock, 1_000, 500)
    router.advance(clock.now())
  }
  const tolls = (await store.read()).tolls!
  t.ok(
    tolls.byRegion.get('near')! > 100,
    `half of them have to go to the other end of the world: ${tolls.byRegion.get('near')} ms`,
  )
  t.equal(tolls.byRegion.get('far'), 0)
  t.ok(clock.now() - tolls.setAt <= 2_000)

  isAway = true
  await pass(clock, 4_000)
  t.same(lead, [true, false], 'a lead that could not be kept has ended')
  const setAt = (await store.read()).tolls!.setAt
  isAway = false
  await pass(clock, 4_000)
  t.same(lead, [true, false, true])
  t.ok((await store.read()).tolls!.setAt > setAt)
  t.same(lines, ['this router sets the tolls of the fleet', 'tolls stay as they are, and lose their weight'])
  await stop()
  t.same(lead, [true, false, true, false])
  t.equal((await store.read()).leader, undefined)
})

t.test(
  'nobody sets tolls while another leads, and who takes over starts from those that hold, once for each term',
  async t => {
    const clock = createFakeClock()
    const { log } = logger()
    const { router } = busyRouter()
    const set: ReadonlyMap<string, number>[] = []
    const snapshot: Snapshot = snapshotOf([{ ...near(), tollMs: 80 }, far()])
    const resumed: number[] = []
    let term: number | undefined
    const stop = startLeading({
      exchange: {
        demands: async () => [],
        lead: async () => term,
        setTolls: async (_term, byRegion) => set.push(byRegion) > 0,
        leave: async () => {},
      },
      router,
      ...{ clock, tollsEveryMs: 2_000, log },
      currentSnapshot: () => {
        resumed.push(clock.now())
        return snapshot
      },
      onLead: () => {},
    })
    await pass(clock, 5_000)
    t.same([set.length, resumed], [0, []], 'as long as another leads, nothing is set')
    term = 7
    await pass(clock, 4_000)
    t.equal(resumed.length, 1, 'once for each term')
    t.ok(set.length >= 1)
    term = 9
    await pass(clock, 2_000)
    t.equal(resumed.length, 2)
    await stop()
  },
)
