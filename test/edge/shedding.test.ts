/** What clients get when every region is full, over every transport. */

import t from 'tap'
import type { Rule } from '../../src/config/rule.ts'
import { createRouter, type LiveRouter } from '../../src/routing/router.ts'
import { settings, snapshotOf, state, worldLocator } from '../support/world.ts'
import { curl, echo, regionAt, ruleOf, startEdge, startOrigin, until } from './running-edge.ts'

/** A router whose only region has been full for so long that nothing is accepted any more. */
function fullRouter(origin: string, rule: Partial<Rule>): LiveRouter {
  const router = createRouter({ ...settings, rules: [ruleOf(rule)] }, worldLocator())
  router.useSnapshot(snapshotOf([state({ ...regionAt('a', origin), capacityRequests: 5 })]), 0)
  const address = { family: 4, w0: 0, w1: 0, w2: 0, w3: 0 } as const
  for (let i = 0; i < 1_000; i++) router.route({ address, host: 'h', path: '/', method: 'GET' })
  return router
}

t.test('503, when to come back, and no region, whatever the transport', async t => {
  const origin = await startOrigin(t, echo)
  for (const transport of ['proxy', 'redirect', 'decide'] as const) {
    const router = fullRouter(origin, { transport, priority: { header: 'x-priority' } })
    const { url, exchanges, dispatches } = await startEdge(t, router)
    const answer = await curl('-H', 'X-Priority: low', url)
    t.equal(answer.status, 503, transport)
    t.match(answer.headers['retry-after'], /^[1-5]$/)
    t.equal(answer.headers['x-meridian-region'], undefined)
    t.match(JSON.parse(answer.text), {
      code: 'OVERLOADED',
      detail: /by rule test is full, and requests of priority low/,
    })
    await until(() => exchanges.length === 1)
    t.match(exchanges[0], { shed: 'low', reason: 'shed', errorCode: 'OVERLOADED', tries: 0, region: undefined })
    t.equal(dispatches.length, 0)
  }
})

t.test('room again, and everybody is served', async t => {
  const router = fullRouter(await startOrigin(t, echo), { transport: 'proxy' })
  const { url, exchanges } = await startEdge(t, router)
  t.equal((await curl(url)).status, 503)
  router.advance(60_000)
  t.equal((await curl(url)).status, 200)
  await until(() => exchanges.length === 2)
  t.equal(exchanges[1]!.shed, undefined)
})
