import t from 'tap'
import { renderTrace, type TraceAnswer } from '../../src/cli/explain-view.ts'
import { plain } from '../../src/cli/terminal.ts'
import type { CostColumn, TracedCandidate, TracedRejection } from '../../src/routing/decision.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const column = (changes: Partial<CostColumn> = {}): CostColumn => ({
  ...{ rtt: 0, service: 0, toll: 0, barrier: 0, tier: 0, bias: 0 },
  ...changes,
})

const trace: TraceAnswer = {
  client: {
    address: '193.0.6.139',
    network: '193.0.6.0/24',
    location: {
      ...{ latitude: 52.37, longitude: 4.9, city: 'Amsterdam', country: 'NL', continent: 'EU', accuracyRadiusKm: 50 },
      ...{ prefixLength: 24, source: '/somewhere/data/city.mmdb' },
    },
  },
  ...{ rule: 'inference', transport: 'redirect', audience: 'inference/52,5/NL' },
  snapshot: { version: 318, ageMs: 412 },
  pick: { key: '193.0.6.0/24', kind: 'client-network', temperatureMs: 8 },
  ...{ reason: 'least-cost', degraded: false, region: 'edge-ams' },
  candidates: [
    {
      ...{ region: 'edge-ams', tier: 'edge', costMs: 6.1, share: 0.71, column: column({ rtt: 3.2, toll: 2.9 }) },
      believed: { utilisation: 0.83 },
    },
    { region: 'edge-fra', tier: 'edge', costMs: 113.3, share: 0.29, column: column({ rtt: 109.3, service: 4 }) },
  ],
  rejected: [
    {
      ...{ region: 'cloud-fra', tier: 'cloud', costMs: 9.3, column: column({ rtt: 9.3 }) },
      ...{ kind: 'later-tier', reason: 'tier', detail: 'edge can take it' },
    },
    {
      ...{ region: 'edge-nyc', tier: 'edge', costMs: 80, column: column({ rtt: 70, bias: 10 }) },
      ...{ kind: 'forbidden', reason: 'residency', detail: 'clients in NL are served in EU; the region is in US' },
    },
    {
      ...{ region: 'edge-par', tier: 'edge', costMs: 7.05, column: column({ rtt: 7.05 }) },
      ...{ kind: 'doubtful', reason: 'probe', detail: '3 failures, last: connect timeout' },
    },
  ],
}

t.test('a decision is drawn as one table, the no of every region under its kind', async t => {
  t.same(renderTrace(trace, plain), [
    'client    193.0.6.139 in network 193.0.6.0/24',
    'location  near Amsterdam, NL · 52.37, 4.9 ± 50 km · from city.mmdb',
    'rule      inference (redirect), audience inference/52,5/NL',
    'decision  edge-ams: least cost',
    'pick      weighted, by client network 193.0.6.0/24, temperature 8 ms',
    'snapshot  318, 0.4 s old',
    '',
    '   region               rtt  service  toll  barrier  tier   bias  =  cost ms  share, or why not',
    '→  edge-ams   edge     3.20     0     2.90     0     0      0     =     6.10  gets 71.0 %, is 83 % busy',
    '   edge-fra   edge   109.30     4.00  0        0     0      0     =   113.30  gets 29.0 %',
    '',
    'In doubt: used only when nothing better is left',
    '   edge-par   edge     7.05     0     0        0     0      0     =     7.05  probe: 3 failures, last: connect timeout',
    '',
    'Later: used when those above cannot take it',
    '   cloud-fra  cloud    9.30     0     0        0     0      0     =     9.30  tier: edge can take it',
    '',
    'Forbidden: never used for this request',
    '   edge-nyc   edge    70.00     0     0        0     0     10.00  =    80.00  residency: clients in NL are served in EU;',
    '                                                                              the region is in US',
  ])
})

t.test('rows that get nothing do not say so in words, and one that lacks a capability takes one line', async t => {
  const [first, second] = trace.candidates as [TracedCandidate, TracedCandidate]
  const idle = { ...first, region: 'edge-idle', share: 0.0004, believed: { utilisation: 0.004 } }
  const busy = { ...first, region: 'edge-busy', share: 0, believed: { utilisation: 0.97 } }
  const silent = { ...second, region: 'edge-mute', share: 0 }
  const lacking = {
    ...{ ...trace.rejected[1]!, region: 'edge-lack', reason: 'capability' },
    detail: 'lacks chat-large (it has chat-small)',
  }
  const lines = renderTrace({ ...trace, candidates: [first, idle, busy, silent], rejected: [lacking] }, plain)
  const ends = lines.flatMap(line => / (edge-\w+) .* = +[\d.]+ {2}(.*)$/.exec(line)?.slice(1, 3).join(' ') ?? [])
  t.same(ends, [
    'edge-ams gets 71.0 %, is 83 % busy',
    'edge-idle –',
    'edge-busy –, is 97 % busy',
    'edge-mute –',
    'edge-lack lacks chat-large (it has chat-small)',
  ])
})

t.test('a round trip that was measured is marked, with whose samples made it and how many', async t => {
  const [first, second] = trace.candidates as [TracedCandidate, TracedCandidate]
  const [later] = trace.rejected as [TracedRejection]
  const rtt = { prior: 8.09, believed: 3.2 }
  const measured = { ...first, believed: { rtt: { ...rtt, level: 'cell', measured: 3, samples: 2.08 } as const } }
  const shifted = { ...later, believed: { rtt: { ...rtt, level: 'prior' } as const } }
  const lines = renderTrace({ ...trace, candidates: [measured, second], rejected: [shifted] }, plain)
  t.same(lines.slice(lines.indexOf('') + 1), [
    '   region               rtt  measured   service  toll  barrier  tier  bias  =  cost ms  share, or why not',
    '→  edge-ams   edge     3.20  cell ×2.1     0     2.90     0     0     0     =     6.10  gets 71.0 %',
    '   edge-fra   edge   109.30                4.00  0        0     0     0     =   113.30  gets 29.0 %',
    '',
    'Later: used when those above cannot take it',
    '   cloud-fra  cloud    9.30  elsewhere     0     0        0     0     0     =     9.30  tier: edge can take it',
  ])
})

t.test('a degraded decision shouts, and so does none at all', async t => {
  const doubtful = renderTrace(
    { ...trace, degraded: true, reason: 'doubtful', region: 'edge-par', candidates: [] },
    plain,
  )
  t.match(doubtful.join('\n'), /edge-par: only regions in doubt are left\n +DEGRADED: clients are sent there/)
  t.match(doubtful.join('\n'), /^→ {2}edge-par/m, 'the one chosen is marked where it stands')
  const none = renderTrace({ ...trace, degraded: true, reason: 'none', region: null }, plain).join('\n')
  t.match(none, /no region: nothing may serve this request\n +DEGRADED: the answer is an error/)
})

t.test('a client of whom nothing is known', async t => {
  const { location: _, ...client } = trace.client
  const [first] = trace.candidates
  const candidates = [{ ...first!, costMs: 106.1, column: { ...first!.column, order: 100 } }]
  const text = renderTrace({ ...trace, client, candidates, reason: 'default-order' }, plain).join('\n')
  t.match(text, /location {2}unknown/)
  t.match(text, /bias +order +=/, 'the place in the default order has a column of its own')
})

t.test('whatever the fleet, no line is wider than 120, and every row adds up', async t => {
  const random = seededRandom(20)
  for (let round = 0; round < 200; round++) {
    const random01 = (): number => (random() < 0.4 ? 0 : Math.round(random() * 10 ** (1 + 4 * random())) / 100)
    const entry = (region: string) => {
      const terms = column({ rtt: random01(), service: random01(), toll: random01(), bias: -random01() })
      const costMs = Math.round(100 * Object.values(terms).reduce((sum: number, ms: number) => sum + ms, 0)) / 100
      const samples = round % 2 === 0 ? random01() : undefined
      const rtt = { prior: 1, believed: 2, level: 'network', ...(samples !== undefined && { samples }) } as const
      return {
        region,
        tier: 'edge',
        costMs,
        column: terms,
        ...(samples !== undefined && { believed: { rtt } }),
      } as const
    }
    const ids = Array.from(
      { length: 1 + randomInteger(random, 20) },
      (_, i) => `r${i}${'x'.repeat(randomInteger(random, 12))}`,
    )
    const split = randomInteger(random, ids.length)
    const candidates: TracedCandidate[] = ids.slice(0, split).map(id => ({ ...entry(id), share: random() }))
    const rejected = ids.slice(split).map((id): TracedRejection => {
      const kind = (['doubtful', 'later-tier', 'forbidden'] as const)[randomInteger(random, 3)]!
      return { ...entry(id), kind, reason: 'why', detail: 'some words '.repeat(randomInteger(random, 12)) }
    })
    const lines = renderTrace({ ...trace, candidates, rejected, region: ids[0]! }, plain)
    const widest = Math.max(...lines.map(line => [...line].length))
    if (widest > 120) t.fail(`a line is ${widest} wide: ${lines.join('\n')}`)
    for (const id of ids) {
      const row = lines.filter(line => line.split(/\s+/)[1] === id)
      const [terms, cost] = (row[0] ?? '').split(' = ').map(part => part.match(/ -?[\d.]+(?= |$)/g)?.map(Number) ?? [])
      const sum = terms?.reduce((total, ms) => total + ms, 0)
      if (row.length !== 1 || Math.abs(sum! - cost![0]!) > 0.001) t.fail(`${id} does not add up: ${row.join('\n')}`)
    }
  }
  t.pass('200 fleets')
})

t.test('tolls: since when, and who leads', async t => {
  const { snapshot } = trace
  const tolls = { term: 3, ageMs: 1_250 }
  for (const [more, expected] of [
    [{ leader: 'router-1' }, 'snapshot  318, 0.4 s old'],
    [{ leader: 'router-1', tolls }, 'tolls     set 1.3 s ago in term 3, router-1 leads'],
    [{ tolls, mode: 'distance-only' }, 'tolls     set 1.3 s ago in term 3, nobody leads now'],
  ] as const) {
    const lines = renderTrace({ ...trace, snapshot: { ...snapshot, ...more } }, plain)
    t.equal(lines.slice(0, lines.indexOf('')).at(-1), expected)
  }
})
