/** Measured round trips on their way into decisions, to other routers, and over a restart. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseNetwork } from '../../src/geo/network.ts'
import type { LatencyExchange, SharedSample } from '../../src/regions/latency-exchange.ts'
import { LatencyModel } from '../../src/routing/latency/latency-model.ts'
import { type LatencyFeed, startLatencyFeed } from '../../src/runtime/latency-feed.ts'
import { defaultLatencyFile } from '../../src/runtime/latency-file.ts'
import { createFakeClock, type FakeClock } from '../support/clocks.ts'
import { clientIn, region, routerOf, rule, snapshotOf, state, worldLocator } from '../support/world.ts'

const states = [region('ams', 'amsterdam'), region('fra', 'frankfurt')].map(each => state(each))
const london = 3

interface World {
  readonly feed: LatencyFeed
  readonly clock: FakeClock
  readonly faults: string[]
  chosen(): string | undefined
  /** Time passes, and what it starts comes to an end. */
  pass(ms: number): Promise<void>
  report(count?: number): void
}

function fileFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-latency-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'state', 'a.latency')
}

async function start(file: string, more: { exchange?: LatencyExchange; fleet?: string } = {}): Promise<World> {
  const clock = createFakeClock(1_800_000_000_000)
  const locator = worldLocator()
  const router = routerOf(states, { rules: [rule({ name: 'default', pick: 'lowest' })] })
  const faults: string[] = []
  const model = new LatencyModel({ maxNetworks: 100, halfLifeMs: 3_600_000 })
  const onFault = (message: string) => void faults.push(message)
  const feed = await startLatencyFeed({ model, router, locator, file, fleet: 'test', clock, onFault, ...more })
  feed.useSnapshot(snapshotOf(states))
  return {
    ...{ feed, clock, faults },
    chosen: () => router.route({ address: clientIn('london', 9), host: '', path: '/', method: 'GET' }).best?.id,
    async pass(ms) {
      clock.advance(ms)
      await new Promise(resolve => setImmediate(resolve))
    },
    report(count = 5) {
      for (let i = 0; i < count; i++) {
        const network = parseNetwork(`10.${london}.${i}.0/24`)
        if (!network.ok) throw new Error('no network')
        feed.record({ network: network.value, region: 'ams', rttMs: 90 }, 'test')
        feed.record({ network: network.value, region: 'fra', rttMs: 22 }, 'test')
      }
    },
  }
}

t.test('samples reach decisions within ten seconds', async t => {
  const { feed, chosen, report, pass } = await start(fileFor(t))
  t.teardown(() => feed.close())
  report()
  t.equal(chosen(), 'ams')
  await pass(10_000)
  t.equal(chosen(), 'fra')
  feed.useLocator(worldLocator())
  t.equal(chosen(), 'fra', 'and stay when the geography is read anew')
})

t.test('they survive a restart', async t => {
  const file = fileFor(t)
  const before = await start(file)
  before.report()
  await before.feed.close()
  const after = await start(file)
  t.equal(after.chosen(), 'fra', 'from the first decision on')
  t.same(after.faults, [])
  await after.feed.close()
})

t.test('nothing measured, nothing written', async t => {
  const file = fileFor(t)
  const { feed, faults } = await start(file)
  await feed.close()
  t.notOk(existsSync(file))
  t.same(faults, [])
})

t.test('unless it is named the file lies where the snapshot is kept', async t => {
  const home = { STATE_DIRECTORY: '/var/lib/meridian' }
  t.equal(defaultLatencyFile('shop', 'fra-1', undefined, home), '/var/lib/meridian/shop.fra-1.latency')
  t.equal(defaultLatencyFile('shop', 'fra-1', '/srv/state/last.json', home), '/srv/state/shop.fra-1.latency')
})

t.test('a file that is broken, or of another fleet, is left out', async t => {
  const file = fileFor(t)
  const before = await start(file)
  before.report()
  await before.feed.close()
  const other = await start(file, { fleet: 'other' })
  t.match(other.faults, [/is left out: it is of fleet test/])
  t.equal(other.chosen(), 'ams')
  await other.feed.close()
  for (const text of ['', 'nonsense\n', '{"version":2}\n']) {
    writeFileSync(file, text)
    const { feed, faults, chosen } = await start(file)
    t.match(faults, [/is left out/], text)
    t.equal(chosen(), 'ams')
    await feed.close()
  }
})

/** What a shared store is to the feed; the real one has a test of its own with a real Redis. */
class Wire {
  readonly told: { from: string; samples: readonly SharedSample[] }[] = []
  isCut = false

  exchange(name: string): LatencyExchange {
    const check = (): void => {
      if (this.isCut) throw new Error('cut')
    }
    return {
      publish: async samples => {
        check()
        this.told.push({ from: name, samples })
      },
      take: async after => {
        check()
        const news = this.told.slice(Number(after?.split('-')[0] ?? 0))
        return {
          samples: news.flatMap(each => (each.from === name ? [] : each.samples)),
          position: `${this.told.length}-0`,
        }
      },
    }
  }
}

t.test('what one router is told the others know', async t => {
  const wire = new Wire()
  const [a, b] = [
    await start(fileFor(t), { exchange: wire.exchange('a') }),
    await start(fileFor(t), { exchange: wire.exchange('b') }),
  ]
  t.teardown(() => Promise.all([a.feed.close(), b.feed.close()]))
  wire.isCut = true
  for (let i = 0; i < 3; i++) a.report()
  await a.pass(5_000)
  await a.pass(5_000)
  t.same(a.faults, ['measured latency is not shared with other routers: cut'], 'told once')
  wire.isCut = false
  await a.pass(5_000)
  const told = wire.told.flatMap(({ samples }) => samples)
  t.equal(told.length, 10, 'one entry for each network, region and source')
  t.match(told[0], { network: `10.${london}.0.0/24`, region: 'ams', weight: 3, source: 'test' })
  t.ok(Math.abs(told[0]!.rttMs - 90) < 1e-6)
  await b.pass(5_000)
  await b.pass(10_000)
  t.equal(b.chosen(), 'fra')
})
