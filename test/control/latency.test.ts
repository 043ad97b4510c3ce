/** Measured round trips over the API: who may report what, and what becomes of it. */

import t, { type Test } from 'tap'
import { formatNetwork } from '../../src/geo/network.ts'
import type { LatencySample } from '../../src/routing/latency/latency-model.ts'
import { bearer, controlWorld, token, tokens } from '../support/control.ts'

async function intake(t: Test) {
  const taken: string[] = []
  const latency = {
    record({ network, region, rttMs }: LatencySample, source: string) {
      if (region === 'cloud-nowhere') return 'there is no such region'
      taken.push(`${source} ${formatNetwork(network)} ${region} ${rttMs}`)
      return undefined
    },
  }
  const access = { tokens: [...tokens, token('fra-token', ['report'], ['*-fra'])], openReading: true }
  const counted = { accepted: 0, rejected: 0 }
  const countLatencySamples = (accepted: number, rejected: number): void => {
    counted.accepted += accepted
    counted.rejected += rejected
  }
  const { app } = await controlWorld({ latency, countLatencySamples, access })
  t.teardown(() => app.close())
  const post = (payload: unknown, as = 'report-token') =>
    app.inject({ method: 'POST', url: '/v1/latency', headers: bearer(as), payload: payload as object })
  return { taken, counted, post }
}

const sample = (network: string, region = 'cloud-fra', rttMs: unknown = 12.5) => ({ network, region, rttMs })

t.test('a batch is taken, sample by sample', async t => {
  const { taken, counted, post } = await intake(t)
  const answer = await post({
    samples: [
      sample('10.1.0.0/24'),
      sample('10.1.0.0/33'),
      sample('10.1.0.77'),
      sample('10.1.0.0/24', 'cloud-nowhere'),
      sample('10.1.0.0/24', 'cloud-fra', 0),
      { ...sample('10.1.0.0/24'), rtt: 1 },
      'nonsense',
      sample('2001:db8::/48', 'cloud-nrt', 99),
    ],
  })
  t.equal(answer.statusCode, 202, answer.body)
  const { accepted, rejected } = answer.json<{ accepted: number; rejected: { index: number; fault: string }[] }>()
  t.equal(accepted, 3)
  for (const [index, fault] of [
    [1, /prefix length from 0 to 32/],
    [3, /no such region/],
    [4, /rttMs: expected at least 0\.1, not 0/],
    [5, /rtt: unknown key/],
    [6, /expected a mapping|expected an? /],
  ] as const) {
    t.match(rejected.find(each => each.index === index)?.fault, fault, `${index}`)
  }
  t.equal(rejected.length, 5)
  t.same(counted, { accepted: 3, rejected: 5 })
  t.same(taken, [
    'report-token 10.1.0.0/24 cloud-fra 12.5',
    'report-token 10.1.0.77/32 cloud-fra 12.5',
    'report-token 2001:db8::/48 cloud-nrt 99',
  ])
})

t.test('a token tells of its own regions only, and needs the right', async t => {
  const { taken, post } = await intake(t)
  const answer = await post({ samples: [sample('10.1.0.0/24'), sample('10.1.0.0/24', 'cloud-nrt')] }, 'fra-token')
  t.match(answer.json(), {
    accepted: 1,
    rejected: [{ index: 1, fault: 'token "fra-token" is not for region "cloud-nrt"' }],
  })
  t.equal(taken.length, 1)
  for (const [as, status] of [
    ['read-token', 403],
    ['nobody', 401],
  ] as const) {
    t.equal((await post({ samples: [sample('10.1.0.0/24')] }, as)).statusCode, status, as)
  }
})

t.test('a batch of which nothing passes is answered all the same, with the reasons', async t => {
  const { post } = await intake(t)
  const answer = await post({ samples: [sample('10.1.0.0/24', 'cloud-nowhere')] })
  t.equal(answer.statusCode, 202)
  t.same(answer.json(), { accepted: 0, rejected: [{ index: 0, fault: 'there is no such region' }] })
})

t.test('a batch has bounds', async t => {
  const { post } = await intake(t)
  const many = (count: number) => Array.from({ length: count }, (_, i) => sample(`10.1.${i % 250}.0/24`))
  t.equal((await post({ samples: many(1000) })).json<{ accepted: number }>().accepted, 1000)
  for (const [payload, status] of [
    [{ samples: many(1001) }, 400],
    [{ samples: [] }, 400],
    [{}, 400],
    [{ samples: 1 }, 400],
    [{ samples: [sample('x'.repeat(300_000))] }, 413],
  ] as const) {
    t.equal((await post(payload)).statusCode, status)
  }
})

t.test('a router that measures nothing says so', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const payload = { samples: [sample('10.1.0.0/24')] }
  const answer = await app.inject({ method: 'POST', url: '/v1/latency', headers: bearer('report-token'), payload })
  t.equal(answer.statusCode, 403)
  t.match(answer.json(), { code: 'LATENCY_OFF' })
})
