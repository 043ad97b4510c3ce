/** Who is answered 503 when every region is full, how many, and that nobody is while one has room. */

import t from 'tap'
import type { Priority } from '../../src/config/rule.ts'
import { priorityOf } from '../../src/routing/admit.ts'
import type { RouteRequest } from '../../src/routing/decision.ts'
import type { LiveRouter } from '../../src/routing/router.ts'
import { AdmissionWindow } from '../../src/routing/shedding.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { clientIn, region, routerOf, rule, snapshotOf, state } from '../support/world.ts'

const fra = region('fra', 'frankfurt', { capacityRequests: 50, jurisdiction: 'DE' })
const iad = region('iad', 'ashburn', { capacityRequests: 50, jurisdiction: 'US' })
const byHeader = rule({ priority: { header: 'x-priority' } })

const ask = (priority: string, more: Partial<RouteRequest> = {}): RouteRequest => ({
  address: clientIn('warsaw'),
  host: 'x',
  path: '/',
  method: 'GET',
  header: () => priority,
  ...more,
})

t.test('how much is too much, the lowest priority first', async t => {
  for (const [accepted, refused, expected, why] of [
    [{ normal: 100 }, {}, [0, 0, 0], 'all found room'],
    [{ normal: 100 }, { normal: 100 }, [0, 0, 0], 'half did not: that is tolerated'],
    [{ normal: 50 }, { normal: 150 }, [0, 0.5, 1], 'three in four'],
    [{}, { normal: 200 }, [0, 1, 1], 'none'],
    [{ normal: 50 }, { normal: 75, low: 75 }, [0, 0.2, 1], 'low gives way first'],
    [{ normal: 60 }, { normal: 40, low: 100 }, [0, 0, 0.8], 'and may be enough'],
    [{}, { high: 100, normal: 50, low: 50 }, [1, 1, 1], 'nothing is accepted at all'],
    [{ high: 25 }, { high: 75, normal: 50, low: 50 }, [0.5, 1, 1], 'high is last'],
  ] as const) {
    const window = new AdmissionWindow()
    const each = (counts: Partial<Record<Priority, number>>, count: (priority: Priority) => void): void => {
      for (const [priority, times] of Object.entries(counts))
        for (let i = 0; i < times; i++) count(priority as Priority)
    }
    each(accepted, priority => window.accept(priority))
    each(refused, priority => window.refuse(priority))
    const found = (['high', 'normal', 'low'] as const).map(
      priority => Math.round(20 * window.probability(priority)) / 20,
    )
    t.same(found, expected, why)
  }
  t.equal(new AdmissionWindow().probability('low'), 0, 'of nothing nothing is too much')
})

t.test('a priority from the rule or from a header', async t => {
  for (const [priority, header, expected] of [
    [undefined, 'high', 'normal'],
    [{ value: 'low' }, 'high', 'low'],
    [{ header: 'x' }, 'high', 'high'],
    [{ header: 'x' }, ' Low ', 'low'],
    [{ header: 'x' }, 'urgent', 'normal'],
    [{ header: 'x' }, undefined, 'normal'],
    [{ header: 'x' }, 'u=0', 'high'],
    [{ header: 'x' }, 'u=2, i', 'high'],
    [{ header: 'x' }, 'u=3', 'normal'],
    [{ header: 'x' }, 'i, u=5', 'low'],
    [{ header: 'x' }, 'u=8', 'normal'],
    [{ header: 'x' }, 'menu=5', 'normal'],
  ] as const) {
    const request = ask('', { header: name => (name === 'x' ? header : undefined) })
    t.equal(priorityOf(rule(priority && { priority }), request), expected, `${JSON.stringify(priority)} ${header}`)
  }
})

/** Asks evenly for so many seconds. @returns by priority: asked, shed; requests that found room and were shed all the same */
function demand(router: LiveRouter, from: number, seconds: number, perSecond: number, priorities: readonly Priority[]) {
  const random = seededRandom(3)
  const counts = { high: [0, 0], normal: [0, 0], low: [0, 0] }
  let unjust = 0
  for (let i = 0; i < seconds * perSecond; i++) {
    router.advance(1_000 * (from + i / perSecond))
    const priority = priorities[i % priorities.length]!
    const request = ask(priority, { chance: random() })
    const hasRoom = router.explain(request).shedding === undefined
    counts[priority][0]!++
    if (router.route(request).shed === undefined) continue
    counts[priority][1]!++
    if (hasRoom) unjust++
  }
  return { counts, unjust }
}

t.test('at twice the capacity half is shed, the lowest first, and nobody when it is over', async t => {
  const router = routerOf([state(fra), state(iad)], { rules: [byHeader] })
  const mix = ['high', 'low', 'normal', 'normal', 'low', 'normal', 'low', 'low'] as const
  t.same(demand(router, 0, 60, 60, mix).unjust, 0)
  demand(router, 60, 180, 200, mix)
  const { counts, unjust } = demand(router, 240, 60, 200, mix)
  t.equal(unjust, 0, 'nobody was shed while a region had room')
  const share = (priority: Priority): number => counts[priority][1]! / counts[priority][0]!
  t.equal(share('high'), 0)
  t.ok(share('low') > 0.8, `low: ${share('low')}`)
  t.ok(share('normal') < 0.2, `normal: ${share('normal')}`)
  const shed = counts.low[1]! + counts.normal[1]!
  t.ok(shed > 0.4 * 12_000 && shed < 0.6 * 12_000, `${shed} of 12000, where 6000 are too many`)
  const utilisation = router.explain(ask('high')).candidates[0]!.believed!.utilisation!
  t.ok(utilisation > 0.9 && utilisation < 1.3, `the fleet is kept full: ${utilisation}`)
  const after = demand(router, 300, 30, 60, mix)
  t.ok(after.counts.low[1]! < 30, `${after.counts.low[1]} of 900 once demand is down`)
})

t.test('rules that lead to the same regions give way together, others do not', async t => {
  const rules = [
    rule({ name: 'batch', match: { path: '/batch' }, priority: { value: 'low' } }),
    rule({ name: 'chat', match: { path: '/chat' } }),
    rule({ name: 'german', match: { path: '/german' }, residency: { unknownCountry: 'refuse', PL: ['DE'] } }),
  ]
  const router = routerOf([state(fra), state(iad)], { rules })
  for (let i = 0; i < 400; i++) router.route(ask('', { path: '/chat' }))
  const shedding = (path: string) => router.explain(ask('', { path })).shedding
  t.match(shedding('/batch'), { priority: 'low', probability: 1 }, 'what chat asked for counts')
  t.match(shedding('/chat'), { priority: 'normal' })
  t.ok(shedding('/chat')!.probability > 0.3)
  t.match(shedding('/german'), { priority: 'normal', probability: 0 }, 'other regions, another window')
})

t.test('what was counted outlives changes of the fleet and of the rules', async t => {
  const router = routerOf([state(fra)], { rules: [byHeader] })
  for (let i = 0; i < 400; i++) router.route(ask(''))
  const before = router.explain(ask('')).shedding!.probability
  t.ok(before > 0.5)
  router.useSnapshot(snapshotOf([state({ ...fra })], 2), 0)
  t.equal(router.explain(ask('')).shedding?.probability, before)
})

t.test('never shed: without a lot, by a pin, by a last resort, as an answer of DNS', async t => {
  const pins = { '10.2.0.9': { region: 'fra', whenDown: 'refuse', network: '10.2.0.9/32' } } as const
  const router = routerOf([state(fra)], { rules: [byHeader] }, pins)
  for (let i = 0; i < 1_000; i++) router.route(ask(''))
  t.match(router.route(ask('', { chance: 0 })), {
    best: undefined,
    reason: 'shed',
    shed: 'normal',
    ranked: [],
    degraded: false,
  })
  for (const request of [
    ask(''),
    ask('', { address: clientIn('warsaw', 0, 9), chance: 0 }),
    ask('', { isAnswer: true, chance: 0 }),
  ]) {
    t.equal(router.route(request).best?.id, 'fra')
  }
  t.equal(
    router.explain(ask('', { chance: 0 })).region,
    'fra',
    'an explanation says how likely it is, and draws no lot',
  )
})

t.test('what is shed goes nowhere', async t => {
  const router = routerOf([state(fra)], { rules: [byHeader] })
  for (let i = 0; i < 1_000; i++) router.route(ask(''))
  const before = router.sums(0).modelled['fra']
  router.route(ask('', { chance: 0 }))
  t.equal(router.sums(0).modelled['fra'], before)
})

t.test('without loads, by the operator, nobody is shed', async t => {
  const router = routerOf([state(fra)], { rules: [byHeader] })
  for (let i = 0; i < 1_000; i++) router.route(ask(''))
  router.useSnapshot({ ...snapshotOf([state(fra)], 2), mode: 'distance-only' }, 0)
  t.equal(router.route(ask('', { chance: 0 })).best?.id, 'fra')
})
