import t from 'tap'
import type { RouteRequest } from '../../src/routing/decision.ts'
import { rampUp } from '../../src/routing/slow-start.ts'
import { clientIn, down, region, routerOf, snapshotOf, state } from '../support/world.ts'

const capacityRequests = 100
const regions = ['a', 'b'].map(id => region(id, 'frankfurt', { capacityRequests }))

const ask = (network: number): RouteRequest => ({
  address: clientIn('warsaw', network),
  host: 'x',
  path: '/',
  method: 'GET',
})

t.test('who is new beside others gets little at first', async t => {
  for (const [ages, expected, why] of [
    [[0, 3600], [0.1, 1], 'just back'],
    [[30, 3600], [0.5, 1], 'halfway'],
    [[60, 3600], [1, 1], 'a minute later'],
    [[0, 0], [1, 1], 'a fleet that starts as a whole'],
    [[15, 30], [0.5, 1], 'the one that is younger'],
  ] as const) {
    const shares = new Float64Array(2)
    rampUp(
      Float64Array.from(ages, age => -1000 * age),
      0,
      shares,
    )
    t.same([...shares], expected, why)
  }
})

t.test('back after a failure: a growing share, and after a minute its whole one', async t => {
  const router = routerOf(regions.map(each => state(each)))
  const [a, b] = regions.map(each => state(each))
  const before = { ...a!, verdict: down }
  const perSecond = 80
  let sent = 0
  /** Share of `a` among what is sent over so many seconds. */
  const shareFrom = (second: number, seconds: number): number => {
    let chosen = 0
    for (let i = 0; i < seconds * perSecond; i++) {
      router.advance(1_000 * (second + i / perSecond))
      if (router.route(ask(sent++ % 256)).best!.id === 'a') chosen++
    }
    return chosen / (seconds * perSecond)
  }
  shareFrom(100, 10)
  router.useSnapshot(snapshotOf([before, b!], 2), 110_000)
  t.equal(shareFrom(110, 10), 0, 'while it is down')
  router.useSnapshot(snapshotOf([{ ...a!, since: 120_000 }, b!], 3), 120_000)
  const shares = [120, 130, 140, 150, 160, 170].map(second => shareFrom(second, 10))
  const later = shareFrom(180, 10)
  t.ok(shares[0]! > 0.05 && shares[0]! < 0.3, `at first: ${shares[0]}`)
  t.ok(shares[0]! < shares[1]! && shares[1]! < shares[3]!, `then more: ${shares}`)
  t.ok(later > 0.4 && later < 0.6, `and at last its part of both: ${later}`)
})
