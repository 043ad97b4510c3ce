/** A few clients try the second best, so that it is measured. */

import t from 'tap'
import { exploring } from '../../../src/routing/latency/exploration.ts'
import { clientIn, down, region, routerOf, rule, state } from '../../support/world.ts'

const regions = [region('ams', 'amsterdam'), region('fra', 'frankfurt'), region('iad', 'ashburn')]
const lowest = rule({ name: 'default', pick: 'lowest' })
const networks = Array.from({ length: 250 }, (_, network) => network)
const ask = (network: number, more = {}) => ({
  ...{ address: clientIn('london', network), host: '', path: '/', method: 'GET' },
  ...more,
})

function fleet(share: number, states = regions.map(each => state(each)), hour = 0, rules = [lowest]) {
  const router = exploring(routerOf(states, { rules }), share, () => hour * 3_600_000 + 1)
  const chosen = (network: number, more = {}) => router.route(ask(network, more)).best?.id
  return { router, explorers: (more = {}) => networks.filter(network => chosen(network, more) !== 'ams'), chosen }
}

t.test('a share of networks explores, and always the second best', async t => {
  t.equal(fleet(0).explorers().length, 0)
  const { explorers, chosen, router } = fleet(0.1)
  const found = explorers()
  t.ok(found.length > 10 && found.length < 45, `${found.length} of 250`)
  t.ok(found.every(network => chosen(network) === 'fra'))
  t.same(explorers(), found, 'the same ones as long as the hour lasts')
  const [first] = found
  const decision = router.route(ask(first!))
  t.equal(decision.reason, 'explored')
  t.same(
    decision.ranked.map(({ region }) => region.id),
    ['fra', 'ams', 'iad'],
    'failover leads back to the best',
  )
  t.match(router.explain(ask(first!)), { reason: 'explored', region: 'fra' }, 'and the trace says so')
  t.not(fleet(0.1, undefined, 1).explorers().join(), found.join(), 'others in the next hour')
})

t.test('who must not explore does not', async t => {
  t.same(fleet(1).explorers({ key: 'session' }), [], 'whoever has an affinity key')
  const withHeader = [rule({ ...lowest, affinity: { header: 'x-session' } })]
  const header = (name: string) => (name === 'x-session' ? 'a' : undefined)
  t.same(fleet(1, undefined, 0, withHeader).explorers({ header }), [])
  const far = [state(regions[0]!), state(regions[2]!)]
  t.same(fleet(1, far).explorers(), [], 'where the second best is far')
  t.same(fleet(1, [state(regions[0]!), state(regions[1]!, { verdict: down })]).explorers(), [], 'or in doubt')
  t.equal(fleet(1, [state(regions[0]!)]).explorers().length, 0, 'or not there')
})

t.test('a request that is followed counts where it goes', async t => {
  const inner = routerOf(
    regions.map(each => state({ ...each, capacityRequests: 10 })),
    { rules: [lowest] },
  )
  const router = exploring(inner, 1, () => 0)
  const decision = router.route(ask(0))
  t.equal(decision.best!.id, 'fra')
  const flight = router.follow(decision, decision.best!.id)
  t.match(inner.sums(1), { open: { ams: 0, fra: 1 }, modelled: { ams: 0 } }, 'and no longer where it was not sent')
  flight.end()
  t.match(inner.sums(2), { open: { ams: 0, fra: 0 } })
})
