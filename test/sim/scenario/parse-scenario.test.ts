/** Pins what a scenario file means, and that everything wrong with one is said at once. */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { MeridianError } from '../../../src/errors.ts'
import type { Region } from '../../../src/regions/region.ts'
import { readRegionFiles } from '../../../src/regions/region-files.ts'
import { parseScenario } from '../../../src/sim/scenario/parse-scenario.ts'
import type { City, World } from '../../../src/sim/world.ts'
import { exampleRegion } from '../../support/example-region.ts'

const root = resolve(import.meta.dirname, '../../..')

const city = (
  name: string,
  latitude: number,
  longitude: number,
  country: string,
  continent: string,
  population: number,
): City => ({
  name,
  latitude,
  longitude,
  country,
  continent,
  population,
})
const cities = [
  city('Tokyo', 35.7, 139.7, 'JP', 'AS', 3e7),
  city('London', 51.5, -0.1, 'GB', 'EU', 1e7),
  city('São Paulo', -23.5, -46.6, 'BR', 'SA', 2e7),
  city('London', 43, -81.2, 'CA', 'NA', 4e5),
]
const fleet: Region[] = [
  exampleRegion('edge-lhr', { capacityRequests: 50, coordinates: { latitude: 51.5, longitude: -0.1 } }),
  exampleRegion('cloud-nrt', {
    tier: 'cloud',
    capacityRequests: 100,
    coordinates: { latitude: 35.7, longitude: 139.7 },
  }),
  exampleRegion('cloud-fra', { tier: 'cloud' }),
]
const files: Record<string, string> = {
  '/scenarios/rtt.csv': 'city,cloud-nrt,edge-lhr\nTokyo,5,180\nLondon,190,2.5\nSão Paulo,260,200\n',
  '/scenarios/holes.csv': 'city,edge-lhr\nTokyo,\nLondon,2.5\n',
  '/scenarios/trace.csv':
    'TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,1000,10\r\n2023-11-16 18:15:48.6805900,0,40\r\n',
  '/scenarios/broken.csv': 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\nyesterday,1,2\n',
}
const sources = {
  cities,
  readRegions: async (directory: string) => {
    if (directory !== '/regions') throw new Error(`${directory} is not the folder`)
    return fleet
  },
  readText: async (file: string) => files[file]!,
}

const parse = (text: string): Promise<World> => parseScenario(text, '/scenarios/x.yaml', sources)

/** The least that a scenario says; what is given replaces sections. */
function scenario(sections: Record<string, string> = {}): string {
  const all = {
    name: 'x',
    regions: '{ directory: ../regions, only: [edge-lhr, cloud-nrt] }',
    load: '{ ofCapacity: 0.5, service: { constant: 500ms } }',
    ...sections,
  }
  return Object.entries(all)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('')
}

async function faultsOf(text: string): Promise<string[]> {
  try {
    await parse(text)
    return []
  } catch (error) {
    if (!(error instanceof MeridianError) || error.code !== 'SCENARIO_INVALID') throw error
    return error.faults.map(fault => fault.replace(/ \(\/scenarios\/x\.yaml:?\d*\)$/, ''))
  }
}

t.test('the least that a scenario says', async t => {
  const world = await parse(scenario())
  t.match(world, {
    name: 'x',
    seed: 1,
    durationMs: 600_000,
    jitterSigma: 0,
    service: { kind: 'constant', meanMs: 500 },
    queueLimit: Number.POSITIVE_INFINITY,
    clients: {
      networksPerCity: 100,
      retry: { attempts: 1, firstDelayMs: 1000, factor: 2 },
      timeoutMs: Number.POSITIVE_INFINITY,
    },
    routers: {
      count: 4,
      reportEveryMs: 2000,
      reportDelayMs: 200,
      snapshotEveryMs: 1000,
      publishEveryMs: 50,
      tollsEveryMs: 2000,
      transport: { proxy: 1, redirect: 0, dns: 0 },
      ttlMs: 30_000,
    },
    changes: [],
  })
  t.same(world.cities, cities)
  t.same(
    world.regions.map(({ id }) => id),
    ['cloud-nrt', 'edge-lhr'],
    'ordered by id',
  )
  const { perSecond } = world.demand
  t.ok(
    Math.abs(perSecond.reduce((sum, each) => sum + each) - 150) < 1e-9,
    'half of 150 slots, two requests a second in each',
  )
  t.ok(Math.abs(perSecond[0]! / perSecond[1]! - 3) < 1e-9, 'by population')
  t.equal(world.truthMs, world.knownMs)
  t.ok(world.truthMs[0]! < 12 && world.truthMs[1]! > 100, 'Tokyo is near the one and far from the other')
})

t.test('what sections mean', async t => {
  const world = await parse(
    scenario({
      duration: '2m',
      seed: '7',
      routers: '{ count: 2, reportDelay: 0s, transport: { proxy: 0.25, dns: 0.75 }, ttl: 0s }',
      regions: '{ directory: ../regions, tiers: [cloud], capacities: { cloud-fra: 30 } }',
      clients:
        '{ cities: ["sao paulo", "London, CA", { name: Here, latitude: 1, longitude: 2, country: DE, continent: EU, population: 5 }], retry: { attempts: 3 }, timeout: 5s }',
      load: '{ requestsPerSecond: 10, service: { lognormal: { mean: 4s, sigma: 0.8 } }, queueLimit: 0 }',
      latency: '{ truth: matrix, error: 0.3, jitter: { lognormal: 0.1 } }',
      bursts: '{ perSecond: 0.1, clients: 100, within: 1s }',
    }),
  )
  t.match(world, {
    seed: 7,
    durationMs: 120_000,
    jitterSigma: 0.1,
    service: { kind: 'lognormal', meanMs: 4000, sigma: 0.8 },
    queueLimit: 0,
    demand: { bursts: { perSecond: 0.1, clients: 100, withinMs: 1000 } },
    clients: { retry: { attempts: 3, firstDelayMs: 1000, factor: 2 }, timeoutMs: 5000 },
    routers: { count: 2, reportDelayMs: 0, transport: { proxy: 0.25, redirect: 0, dns: 0.75 }, ttlMs: 0 },
  })
  t.same(
    world.cities.map(({ name, country }) => `${name} ${country}`),
    ['São Paulo BR', 'London CA', 'Here DE'],
  )
  t.same(
    world.regions.map(({ id, capacityRequests }) => [id, capacityRequests]),
    [
      ['cloud-fra', 30],
      ['cloud-nrt', 100],
    ],
  )
  const factors = world.truthMs.map((ms, pair) => Math.log(ms / world.knownMs[pair]!))
  t.ok(
    factors.every(each => each !== 0 && Math.abs(each) < 1.5),
    'the truth is another than distance says',
  )
  const again = await parse(scenario({ latency: '{ truth: matrix, error: 0.3, routersKnow: truth }' }))
  t.equal(again.truthMs, again.knownMs)
  t.equal((await parse(scenario({ clients: '{ cities: 2 }' }))).cities.length, 2)
})

t.test('events', async t => {
  const regions = '{ directory: ../regions, capacities: { cloud-fra: 5 } }'
  const { changes } = await parse(
    scenario({
      regions,
      events: `
  - { at: 0s, until: 10s, continent: AS, demand: 1.35 }
  - { at: 5s, continent: "!AS", demand: 0, label: night }
  - { at: 5s, country: GB, demand: 2 }
  - { at: 5s, city: London, demand: 2 }
  - { at: 5s, demand: 3 }
  - { at: 5s, region: cloud-*, capacity: 0.5 }
  - { at: 5s, continent: EU, down: true, slowStart: 1m }
  - { at: 5s, region: edge-lhr, service: 3 }
  - { at: 5s, store: lost }
  - { at: 5s, router: 4, cutOff: true }`,
    }),
  )
  const later = { fromMs: 5000, toMs: 600_000 }
  t.same(changes, [
    { fromMs: 0, toMs: 10_000, label: 'demand × 1.35: AS', kind: 'demand', cities: [0], factor: 1.35 },
    { ...later, label: 'night', kind: 'demand', cities: [1, 2, 3], factor: 0 },
    { ...later, label: 'demand × 2: GB', kind: 'demand', cities: [1], factor: 2 },
    { ...later, label: 'demand × 2: London', kind: 'demand', cities: [1], factor: 2 },
    { ...later, label: 'demand × 3: everywhere', kind: 'demand', cities: [0, 1, 2, 3], factor: 3 },
    { ...later, label: 'capacity × 0.5: cloud-*', kind: 'capacity', regions: [0, 1], factor: 0.5 },
    { ...later, label: 'down: EU', kind: 'down', regions: [0, 2], slowStartMs: 60_000 },
    { ...later, label: 'service time × 3: edge-lhr', kind: 'slow', regions: [2], factor: 3 },
    { ...later, label: 'store lost', kind: 'store-lost' },
    { ...later, label: 'router 4 cut off', kind: 'cut-off', router: 3 },
  ])
})

t.test('a matrix of round trips from a file', async t => {
  const { truthMs, knownMs } = await parse(
    scenario({ clients: '{ cities: 3 }', latency: '{ truth: matrix, file: rtt.csv }' }),
  )
  t.same([...truthMs], [5, 180, 190, 2.5, 260, 200])
  t.not(knownMs[0], 5)
  t.same(await faultsOf(scenario({ clients: '{ cities: 2 }', latency: '{ truth: matrix, file: holes.csv }' })), [
    'latency.file: expected a round trip in ms from Tokyo to cloud-nrt, not nothing',
    'latency.file: expected a round trip in ms from Tokyo to edge-lhr, not ""',
    'latency.file: expected a round trip in ms from London to cloud-nrt, not nothing',
  ])
})

t.test('arrivals as recorded, and so dense that they make the load', async t => {
  const trace = '{ trace: { file: trace.csv, fixedMs: 100, perPromptTokenMs: 0.1, perGeneratedTokenMs: 10 } }'
  const recorded = await parse(scenario({ duration: '6s', load: `{ service: ${trace} }` }))
  t.same([...recorded.demand.trace!.atMs], [0, 2000, 4000], 'two seconds apart, again and again')
  t.same([...recorded.demand.trace!.serviceMs], [300, 500, 300])
  t.equal(recorded.service.meanMs, 400)
  const dense = await parse(scenario({ duration: '6s', load: `{ ofCapacity: 0.8, service: ${trace} }` }))
  t.equal(dense.demand.trace!.atMs.length, 1800, '80 % of 150 slots, 2.5 requests a second in each')
  t.same(await faultsOf(scenario({ load: '{ service: { trace: { file: broken.csv } } }' })), [
    'load.service.trace.file: expected lines of time,prompt tokens,generated tokens after a header, not line 3',
  ])
})

t.test('one fault at a time, in words', async t => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ speed: '2' }, 'speed: unknown key (did you mean seed?)'],
    [
      { regions: '{ directory: ../regions, tiers: [core] }' },
      'regions: expected at least one region of tier core in ../regions, not none',
    ],
    [
      { regions: '{ directory: ../regions, only: [edge-xyz, edge-lhr] }' },
      'regions.only[0]: expected a region of ../regions, not "edge-xyz"',
    ],
    [
      { regions: '{ directory: ../regions, capacities: { edge-lhr: -5, cloud-fra: 1 } }' },
      'regions.capacities.edge-lhr: expected at least 1, not -5',
    ],
    [
      { regions: '{ directory: ../regions }' },
      'regions.capacities.cloud-fra: is missing: the file of cloud-fra names no capacity of at least 1',
    ],
    [
      { regions: '{ directory: ../regions, only: [edge-lhr], capacities: { nowhere: 3 } }' },
      'regions.capacities.nowhere: expected a region of ../regions, not "nowhere"',
    ],
    [
      { clients: '{ cities: [Atlantis] }' },
      'clients.cities[0]: expected a city of data/cities.json, or one described in full, not "Atlantis"',
    ],
    [
      { clients: '{ cities: [{ name: X, longitude: 2, country: DE, continent: EU, population: 5 }] }' },
      'clients.cities[0].latitude: is missing',
    ],
    [
      { load: '{ ofCapacity: 0.5 }' },
      'load.service: expected one of lognormal, exponential, constant, trace, not none',
    ],
    [{ load: '{ service: { constant: 1s } }' }, 'load: expected ofCapacity or requestsPerSecond, not neither'],
    [
      { load: '{ ofCapacity: 1, requestsPerSecond: 1, service: { constant: 1s } }' },
      'load: expected ofCapacity or requestsPerSecond, not both',
    ],
    [
      { routers: '{ transport: { proxy: 0.5, dns: 0.25 } }' },
      'routers.transport: expected shares that add up to 1, not to 0.75',
    ],
    [{ latency: '{ error: 0.3 }' }, 'latency.error: means nothing without truth: matrix, or beside a file'],
    [
      { events: '[{ at: 5s, region: edge-xyz, capacity: 0.5 }]' },
      'events[0].region: expected one with regions of this scenario, not "edge-xyz"',
    ],
    [
      { events: '[{ at: 5s, continent: AF, down: true }]' },
      'events[0].continent: expected one with regions of this scenario, not "AF"',
    ],
    [
      { events: '[{ at: 5s, country: FR, demand: 2 }]' },
      'events[0].country: expected one with clients of this scenario, not "FR"',
    ],
    [{ events: '[{ at: 5s, region: edge-lhr, capacity: -1 }]' }, 'events[0].capacity: expected more than 0, not -1'],
    [{ events: '[{ at: 5s, region: edge-lhr, demand: 2 }]' }, 'events[0].region: means nothing beside demand'],
    [{ events: '[{ at: 5s, down: true }]' }, 'events[0].region: is missing: which region, or which continent?'],
    [
      { events: '[{ at: 5s, store: lost, cutOff: true, router: 1 }]' },
      'events[0]: expected one of demand, capacity, service, down, store, cutOff, not store and cutOff',
    ],
    [
      { events: '[{ at: 5s, region: edge-lhr }]' },
      'events[0]: expected one of demand, capacity, service, down, store, cutOff, not none',
    ],
    [{ events: '[{ at: 5s, router: 5, cutOff: true }]' }, 'events[0].router: expected a router from 1 to 4, not 5'],
    [{ events: '[{ at: 5m, until: 5m, demand: 2 }]' }, 'events[0].until: expected a time after 5m, not 5m'],
    [{ events: '[{ at: 10m, demand: 2 }]' }, 'events[0].at: expected a time before the end (600s), not 10m'],
  ]
  for (const [sections, fault] of cases) t.same(await faultsOf(scenario(sections)), [fault], fault)
  t.match(await faultsOf('name: [1'), [/not valid YAML/])
})

t.test('all faults at once, with their lines', async t => {
  const text = `name: x y
duration: 0s
regions: { directory: ../regions, only: [edge-xyz, edge-lhr] }
clients: { cities: [{ name: X, country: DE }] }
load: { ofCapacity: 0.5, service: {}, queueLimt: 3 }
events:
  - { at: 5s, region: gone, capacity: 0.5 }
`
  await t.rejects(parse(text), {
    code: 'SCENARIO_INVALID',
    faults: [
      'name: expected a name: 1 to 63 letters, digits, dots, - or _, not "x y" (/scenarios/x.yaml:1)',
      'duration: expected a duration with its unit (250ms, 5s, 2m, 24h; from 1ms to 99h), not "0s" (/scenarios/x.yaml:2)',
      'clients.cities[0].latitude: is missing (/scenarios/x.yaml:4)',
      'clients.cities[0].longitude: is missing (/scenarios/x.yaml:4)',
      'clients.cities[0].continent: is missing (/scenarios/x.yaml:4)',
      'clients.cities[0].population: is missing (/scenarios/x.yaml:4)',
      'load.queueLimt: unknown key (did you mean queueLimit?) (/scenarios/x.yaml:5)',
      'regions.only[0]: expected a region of ../regions, not "edge-xyz" (/scenarios/x.yaml:3)',
      'events[0].region: expected one with regions of this scenario, not "gone" (/scenarios/x.yaml:7)',
    ],
  })
})

t.test('a fault of the regions hides none of what does not hang on them', async t => {
  const others = {
    clients: '{ cities: [Atlantis, Tokyo] }',
    events: `
  - { at: 5s, city: Delphi, demand: 2 }
  - { at: 5s, demand: 2, capacity: 2 }
  - { at: 5s, region: edge-lhr, capacity: 0.5 }`,
  }
  const told = [
    'clients.cities[0]: expected a city of data/cities.json, or one described in full, not "Atlantis"',
    'events[1]: expected one of demand, capacity, service, down, store, cutOff, not demand and capacity',
    'events[0].city: expected one with clients of this scenario, not "Delphi"',
  ]
  const misspelt = 'regions.teirs: unknown key (did you mean tiers?)'
  t.same(await faultsOf(scenario({ ...others, regions: '{ directory: ../regions, teirs: [edge] }' })), [
    misspelt,
    ...told,
  ])
  const none = 'regions: expected at least one region of tier core in ../regions, not none'
  t.same(await faultsOf(scenario({ ...others, regions: '{ directory: ../regions, tiers: [core] }' })), [
    told[0],
    none,
    ...told.slice(1),
  ])
})

t.test('an event is not held against cities that nobody can tell', async t => {
  const clients = '{ cities: [{ name: Delphi }], networksPerCity: 5 }'
  const faults = await faultsOf(scenario({ clients, events: '[{ at: 5s, city: Delphi, demand: 2 }]' }))
  t.ok(faults.length > 0)
  t.same(
    faults.filter(fault => !fault.startsWith('clients.cities[0].')),
    [],
  )
})

t.test('faults of the sources are passed on', async t => {
  await t.rejects(parse(scenario({ regions: '{ directory: elsewhere }' })), /elsewhere is not the folder/)
})

const design = resolve(root, '../shared/design/examples/scenario.yaml')
const text = (() => {
  try {
    return readFileSync(design, 'utf8')
  } catch {
    return undefined
  }
})()

t.test(
  'the example of the design is a scenario',
  { skip: text === undefined && 'the design folder is not beside this one' },
  async t => {
    const world = await parseScenario(text!, design, {
      ...sources,
      readRegions: () => readRegionFiles(join(root, 'regions')),
    })
    t.equal(world.name, 'regional-surge')
    t.equal(world.regions.length, 6)
    t.equal(world.changes.length, 3)
  },
)
