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

t.test('beyond a thousand audiences the smallest are told as a sum, and nothing is lost', async t => {
  const capabilities = Array.from({ length: 120 }, (_, i) => `model-${i}`)
  const router = routerOf([state(region('fra', 'frankfurt', { capabilities }))], {
    rules: [rule({ capability: { header: 'x-model' } })],
  })
  router.sums(0)
  const places = [
    'amsterdam',
    'frankfurt',
    'warsaw',
    'london',
    'ashburn',
    'portland',
    'saoPaulo',
    'tokyo',
    'sydney',
  ] as const
  let asked = 0
  for (const [rank, place] of places.entries()) {
    for (const model of capabilities) {
      const header = (name: string) => (name === 'x-model' ? model : undefined)
      // The last place asks once for each model, all others twice and more.
      for (let i = 0; i < places.length - rank; i++, asked++)
        router.route({ address: clientIn(place, i), host: 'x', path: '/', method: 'GET', header })
    }
  }
  const { demand, restPerSecond } = router.sums(1000)
  t.equal(demand.length, 1000)
  t.ok(demand.every(({ requestsPerSecond }, i) => i === 0 || requestsPerSecond <= demand[i - 1]!.requestsPerSecond))
  const least = demand.at(-1)!.requestsPerSecond
  t.ok(Math.abs(restPerSecond - 80 * least) < 1e-6, `80 of 1080 are left, each asks once: ${restPerSecond}`)
  const listed = demand.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)
  t.ok(Math.abs(listed + restPerSecond - asked) < 1e-6, `${listed} + ${restPerSecond} of ${asked} in a second`)
})
