/** The data plane with the real router: every transport gives the region that `explain` names. */

import t from 'tap'
import { formatAddress } from '../../src/geo/address.ts'
import { clientIn, down, type PlaceName, region, routerOf, rule, state } from '../support/world.ts'
import { curl, echo, startEdge, startOrigin } from './running-edge.ts'

t.test('redirect, proxy and decision agree with each other and with explain', async t => {
  const originUrl = await startOrigin(t, echo)
  const at = (id: string, place: PlaceName) =>
    region(id, place, { endpoints: { publicUrl: `https://${id}.example.com`, originUrl } })
  const states = [
    state(at('fra', 'frankfurt')),
    state(at('nyc', 'ashburn')),
    state(at('tyo', 'tokyo')),
    state(at('sin', 'singapore'), { verdict: down }),
  ]
  const rules = (['redirect', 'proxy', 'decide'] as const).map(transport =>
    rule({ name: transport, match: { path: `/${transport}` }, transport }),
  )
  const router = routerOf(states, { rules })
  const { url } = await startEdge(t, router, { trusted: ['127.0.0.0/8'], header: 'x-forwarded-for' })
  for (const [place, expected] of [
    ['amsterdam', 'fra'],
    ['portland', 'nyc'],
    ['sydney', 'tyo'],
    ['singapore', 'tyo'],
  ] as const) {
    const address = clientIn(place)
    const ask = (path: string) => curl('-H', `X-Forwarded-For: ${formatAddress(address)}`, url + path)
    const redirect = await ask('/redirect/a?b')
    t.equal(redirect.headers['location'], `https://${expected}.example.com/redirect/a?b`, `${place}: redirect`)
    const proxied = await ask('/proxy/a?b')
    t.equal(proxied.headers['x-meridian-region'], expected, `${place}: proxy`)
    t.equal(JSON.parse(proxied.text).url, '/proxy/a?b')
    const decided = JSON.parse((await ask('/decide')).text)
    t.equal(decided.region, expected, `${place}: decide`)
    t.same(decided.candidates.length, 3, 'regions in doubt are no advice')
    t.equal(router.explain({ address, host: '127.0.0.1', path: '/decide', method: 'GET' }).region, expected, 'explain')
  }
})

t.test('a fleet that is empty is answered 503', async t => {
  const { url } = await startEdge(t, routerOf([]))
  t.equal((await curl(url)).status, 503)
})
