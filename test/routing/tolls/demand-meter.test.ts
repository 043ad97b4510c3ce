import t from 'tap'
import { smoothing } from '../../../src/routing/tolls/demand-meter.ts'
import { clientIn, region, routerOf, rule, snapshotOf, state } from '../../support/world.ts'

const regions = [state(region('fra', 'frankfurt', { capabilities: ['large'] })), state(region('iad', 'ashburn'))]

t.test('rates come to what is asked, and go when nobody asks', async t => {
  const router = routerOf(regions)
  router.sums(0)
  let now = 0
  for (; now < 60_000; now += 200) {
    for (let i = 0; i < 8; i++) router.route({ address: clientIn('warsaw', i), host: 'x', path: '/', method: 'GET' })
    for (let i = 0; i < 2; i++) router.route({ address: clientIn('tokyo', i), host: 'x', path: '/', method: 'GET' })
    router.sums(now)
  }
  const { demand, sentPerSecond, answersPerSecond } = router.sums(now - 200)
  t.same(
    demand.map(({ country, requestsPerSecond }) => [country, Math.round(requestsPerSecond)]),
    [
      ['PL', 40],
      ['JP', 10],
    ],
    'the largest first',
  )
  t.equal(Math.round(sentPerSecond), 50)
  t.equal(answersPerSecond, 0)
  for (; now < 300_000; now += 1000) router.sums(now)
  t.same(router.sums(now).demand, [], 'forgotten')
})

t.test('an audience is named by rule, capability, family and place', async t => {
  const rules = [rule({ name: 'models', capability: { header: 'x-model' } })]
  const router = routerOf(regions, { rules })
  router.sums(0)
  const header = (name: string) => (name === 'x-model' ? 'large' : undefined)
  router.route({ address: clientIn('warsaw'), host: 'x', path: '/', method: 'GET', header, family: 4 })
  const [first] = router.sums(1000).demand
  t.match(first, { rule: 'models', capability: 'large', latitude: 52, longitude: 21, country: 'PL' })
})

t.test('explaining is not asking', async t => {
  const router = routerOf(regions)
  router.sums(0)
  router.explain({ address: clientIn('warsaw'), host: 'x', path: '/', method: 'GET' })
  t.same(router.sums(1000).demand, [])
})

t.test('answers count apart', async t => {
  const router = routerOf(regions)
  router.sums(0)
  for (let now = 200; now <= 60_000; now += 200) {
    router.route({ address: clientIn('warsaw'), host: 'x', path: '/', method: 'GET', isAnswer: true })
    router.sums(now)
  }
  const { sentPerSecond, answersPerSecond } = router.sums(60_200)
  t.equal(sentPerSecond, 0)
  t.ok(Math.abs(answersPerSecond - 5) < 0.2, `${answersPerSecond}`)
})

t.test('weight of what is new', async t => {
  t.equal(smoothing(0, 1000), 0)
  t.ok(Math.abs(smoothing(1000, 1000) - (1 - 1 / Math.E)) < 1e-12)
})

t.test('what was asked before the fleet changed is not lost', async t => {
  const router = routerOf(regions)
  router.sums(0)
  for (let i = 0; i < 100; i++) router.route({ address: clientIn('warsaw', i), host: 'x', path: '/', method: 'GET' })
  router.useSnapshot(snapshotOf([...regions, state(region('nrt', 'tokyo'))], 2, 1000), 1000)
  const [first] = router.sums(1000).demand
  t.ok(first!.requestsPerSecond > 5)
})
