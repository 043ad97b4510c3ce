/** Regions that ask to be spared: how many clients are turned away, and for how long. */

import t from 'tap'
import type { Decision, RouteRequest } from '../../src/routing/decision.ts'
import { HotMarks } from '../../src/routing/hot-marks.ts'
import type { LiveRouter } from '../../src/routing/router.ts'
import { clientIn, region, routerOf, rule, state } from '../support/world.ts'

const near = region('near', 'frankfurt')
const far = region('far', 'ashburn')
const rules = [rule({ transport: 'proxy', capability: { header: 'x-model' } })]
const capable = [near, far].map(each => state({ ...each, capabilities: ['small', 'large'] }))

const ask = (network: number, model = 'small'): RouteRequest => ({
  address: clientIn('warsaw', network),
  host: 'x',
  path: '/',
  method: 'GET',
  header: () => model,
})

/** A request that goes where it is sent, and is refused there or not. */
function send(router: LiveRouter, network: number, refuses: (region: string) => boolean, waitMs = 10_000): Decision {
  const decision = router.route(ask(network))
  const flight = router.follow(decision, decision.best!.id)
  if (refuses(decision.best!.id)) flight.refused(waitMs)
  flight.end()
  return decision
}

const shareOf = (router: LiveRouter, id: string, model?: string): number => {
  const networks = Array.from({ length: 200 }, (_, i) => i)
  return networks.filter(i => router.explain(ask(i, model)).region === id).length / networks.length
}

t.test('a region that refuses everything is left alone step by step, then comes back step by step', async t => {
  const router = routerOf(capable, { rules })
  router.advance(0)
  t.equal(shareOf(router, 'near'), 1)
  const shares: number[] = []
  for (let second = 1; second <= 4; second++) {
    for (let i = 0; i < 6; i++) send(router, 50 * second + i, id => id === 'near')
    shares.push(shareOf(router, 'near'))
    router.advance(1_000 * second)
  }
  t.ok(shares[0]! > 0.25 && shares[0]! < 0.75, `after the first few: ${shares[0]}`)
  t.ok(shares[3]! < 0.25, `after some more: ${shares[3]}`)
  for (let i = 1; i < 4; i++) t.ok(shares[i]! <= shares[i - 1]!, `${shares}`)
  t.equal(shareOf(router, 'near', 'large'), 1, 'who asks for another capability does not notice')
  router.advance(4_000 + 10_000)
  const halfway = shareOf(router, 'near')
  router.advance(4_000 + 12_500)
  const later = shareOf(router, 'near')
  t.ok(halfway < later && later < 1, `${halfway}, ${later}`)
  router.advance(4_000 + 15_001)
  t.equal(shareOf(router, 'near'), 1)
})

t.test('who is turned away at a small share stays so at a larger one', async t => {
  const router = routerOf(capable, { rules })
  const away = (): number[] =>
    Array.from({ length: 200 }, (_, i) => i).filter(i => router.explain(ask(i)).region === 'far')
  let before: number[] = []
  for (let i = 0; i < 8; i++) {
    send(router, i, id => id === 'near')
    const now = away()
    t.ok(
      before.every(network => now.includes(network)),
      `${before.length} of ${now.length}`,
    )
    before = now
  }
  t.ok(before.length > 0)
})

t.test('a client over its own quota moves nobody else', async t => {
  const router = routerOf(capable, { rules })
  let served = 0
  for (let i = 0; i < 2_000; i++) {
    const { best } = send(router, i % 200, id => id === 'near' && i % 10 === 0)
    if (best!.id === 'near') served++
    router.advance(20 * i)
  }
  t.ok(served > 1_900, `${served} of 2000`)
})

t.test('twice what a region takes: about what is too much is turned away, for as long as it is', async t => {
  const router = routerOf(capable, { rules })
  let taken = 0
  let sent = 0
  for (let second = 0; second < 60; second++) {
    let room = 50
    for (let i = 0; i < 100; i++) {
      router.advance(1_000 * second + 10 * i)
      const { best } = send(router, (37 * i + second) % 200, id => id === 'near' && room-- <= 0, 1_000)
      if (second < 20 || best!.id !== 'near') continue
      sent++
      if (room >= 0) taken++
    }
  }
  t.ok(sent > 1_800 && sent < 2_900, `sent ${sent / 40} a second where 50 are taken`)
  t.ok(taken > 0.9 * 2_000, `and ${taken / 40} of them were`)
})

t.test('where everyone asks to be spared, clients go as if nobody had', async t => {
  const router = routerOf(capable, { rules })
  for (let i = 0; i < 400; i++) send(router, i % 200, () => true)
  t.equal(shareOf(router, 'near') + shareOf(router, 'far'), 1)
  t.ok(router.route(ask(1)).best)
})

t.test('a wait is believed from 1 s to 60 s', async t => {
  for (const [asked, believed] of [
    [0, 1_000],
    [5_000, 5_000],
    [1e9, 60_000],
  ] as const) {
    const marks = new HotMarks()
    marks.noteRefusal('a', undefined, asked)
    t.equal(marks.markOf('a', undefined)?.waitMs, believed, `${asked}`)
  }
})

t.test('the trace says whom it turns away and why, and failover asks it later', async t => {
  const router = routerOf([...capable, state(region('core', 'warsaw', { tier: 'core', capabilities: ['small'] }))], {
    rules,
  })
  for (let i = 0; i < 200; i++) send(router, i, id => id === 'near')
  const network = Array.from({ length: 200 }, (_, i) => i).find(i => router.explain(ask(i)).region === 'far')!
  const trace = router.explain(ask(network))
  t.match(
    trace.rejected.find(each => each.region === 'near'),
    { kind: 'later-tier', reason: 'hot', detail: /^asked to be spared for another 10 s: \d+ % of its clients/ },
  )
  const spared = Array.from({ length: 200 }, (_, i) => i)
    .map(i => router.explain(ask(i)))
    .find(each => each.region === 'near')
  if (spared !== undefined) t.match(spared.candidates[0]?.believed?.hot, { waitMs: 10_000 })
  t.same(
    router.route(ask(network)).ranked.map(each => [each.region.id, each.standing]),
    [
      ['far', 'eligible'],
      ['core', 'later-tier'],
      ['near', 'hot'],
    ],
  )
})
