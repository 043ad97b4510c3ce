import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { loadConfig, parseConfig } from '../../src/config/config.ts'
import type { Environment } from '../../src/config/environment.ts'
import { MeridianError } from '../../src/errors.ts'
import { bundledData } from '../../src/paths.ts'
import { seededRandom } from '../support/seeded-random.ts'

const root = resolve(import.meta.dirname, '../..')

function faultsOf(text: string, environment: Environment = {}): readonly string[] {
  try {
    parseConfig(text, 'meridian.yaml', environment)
    return []
  } catch (error) {
    if (error instanceof MeridianError && error.code === 'CONFIG_INVALID') return error.faults
    throw error
  }
}

t.test('without a word from the operator everything has its default', async t => {
  const config = loadConfig(undefined, {})
  t.same(config.geo.databases, [bundledData('city.mmdb')])
  t.match(config, {
    fleet: 'default',
    http: { listen: [{ address: '0.0.0.0', port: 8080 }], timeouts: { connectMs: 2000, stallMs: 300_000 } },
    control: { listen: { address: '127.0.0.1', port: 8081 }, tokens: [] },
    health: { enabled: true, intervalMs: 5000, timeoutMs: 2000, recheckMs: 1000, rise: 2, fall: 3 },
    lease: { durationMs: 10_000 },
    routing: {
      temperatureMs: 3,
      snapshotEveryMs: 1000,
      latency: { enabled: true, halfLifeMs: 21_600_000, maxNetworks: 100_000, explorationShare: 0, file: undefined },
    },
    rules: [],
  })
  t.same(parseConfig('', 'empty.yaml', {}), { ...config, places: new Map([['', 'empty.yaml']]) }, 'an empty file, too')
})

const design = resolve(root, '../shared/design/examples/meridian.yaml')
const hasDesign = (() => {
  try {
    return readFileSync(design, 'utf8') !== ''
  } catch {
    return false
  }
})()

t.test(
  'the example of the design loads',
  { skip: !hasDesign && 'the design folder is not beside this one' },
  async t => {
    const config = loadConfig(design, {})
    t.equal(config.router.id, 'fra-1')
    t.same(
      config.rules.map(({ name }) => name),
      ['inference', 'downloads'],
    )
    t.equal(config.geo.asn, undefined, 'null is the default')
  },
)

t.test('the shipped configuration loads', async t => {
  const config = loadConfig(join(root, 'meridian.yaml'), {})
  t.equal(config.regions.directory, join(root, 'regions'))
  t.same(
    config.rules.map(({ transport }) => transport),
    ['proxy', 'redirect', 'decide'],
  )
  t.equal(config.health.enabled, false, 'its hosts do not exist')
})

t.test('relative paths start from the folder of the file', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'etc'))
  const file = join(folder, 'etc', 'router.yaml')
  writeFileSync(
    file,
    'geo: { databases: [a.mmdb, embedded, /b.mmdb], overrides: ../o.yaml }\nregions: { directory: r }',
  )
  const { geo, regions } = loadConfig(file, { MERIDIAN_GEO__ASN: 'asn.mmdb' })
  t.same(geo.databases, [join(folder, 'etc/a.mmdb'), bundledData('city.mmdb'), '/b.mmdb'])
  t.equal(geo.overrides, join(folder, 'o.yaml'))
  t.equal(geo.asn, join(folder, 'etc/asn.mmdb'))
  t.equal(regions.directory, join(folder, 'etc/r'))
})

t.test('a file that cannot be read is a fault of its own', async t => {
  t.throws(() => loadConfig(join(root, 'no-such.yaml'), {}), { code: 'FILE_UNREADABLE', message: /no-such\.yaml/ })
})

t.test('each fault says where it is, what was expected, and on which line', async t => {
  for (const [text, expected] of [
    ['http:\n  listen: [{ port: 70000 }]', 'http.listen[0].port: expected at most 65535, not 70000 (meridian.yaml:2)'],
    [
      'http: { prot: 1 }',
      'http.prot: unknown key (known here: listen, trustedProxies, clientAddressHeader, timeouts) (meridian.yaml:1)',
    ],
    ['log:\n  levle: info', 'log.levle: unknown key (did you mean level?) (meridian.yaml:2)'],
    ['[a]', 'expected a mapping, not ["a"] (meridian.yaml)'],
    [
      'health: { interval: 5 }',
      'health.interval: expected a duration with its unit (250ms, 5s, 2m, 24h; from 1ms to 99h), not 5 (meridian.yaml:1)',
    ],
    ['health: { enabled: yes }', 'health.enabled: expected a boolean, not "yes" (meridian.yaml:1)'],
    ['rules:\n  - transport: proxy', 'rules[0].name: is missing (meridian.yaml:2)'],
    ['\nworkers: 2', 'workers: expected 0 (more are not in this release), not 2 (meridian.yaml:2)'],
    ['workers: two', 'workers: expected 0 (more are not in this release), not "two" (meridian.yaml:1)'],
    ['a: 1\na: 2', 'meridian.yaml:2:1: not valid YAML: Map keys must be unique'],
    ['fleet: !secret x', 'meridian.yaml:1:8: not valid YAML: Unresolved tag: !secret'],
    ['fleet: *x', 'meridian.yaml: not valid YAML: Unresolved alias (the anchor must be set before the alias): x'],
    [
      '"a.b]": 1',
      '"a.b]": unknown key (known here: fleet, router, workers, geo, regions, redis, http, control, health, lease, log, routing, rules) (meridian.yaml:1)',
    ],
    [
      '__proto__: { x: 1 }',
      '__proto__: unknown key (known here: fleet, router, workers, geo, regions, redis, http, control, health, lease, log, routing, rules) (meridian.yaml:1)',
    ],
  ] as const) {
    t.same(faultsOf(text), [expected])
  }
})

t.test('faults are reported together, whoever finds them', async t => {
  const text = 'http: { listen: [{ port: x }] }\nworkers: 3\ncontrol: { listen: { address: 0.0.0.0 } }'
  const faults = faultsOf(text, { MERIDIAN_LOG__LEVEL: 'loud', MERIDIAN_NOPE: '1' })
  t.equal(faults.length, 5)
  for (const part of ['MERIDIAN_NOPE', 'http.listen[0].port', 'log.level', 'workers', 'control.listen.address']) {
    t.ok(
      faults.some(fault => fault.startsWith(part)),
      part,
    )
  }
})

t.test('null is the same as leaving the key out', async t => {
  const { places: _, ...config } = parseConfig(
    'http:\ngeo: { asn: null, update: null }\nrules: null\nfleet: ~',
    undefined,
    {},
  )
  const { places: __, ...defaults } = loadConfig(undefined, {})
  t.same(config, defaults)
  t.match(faultsOf('htttp: null'), [/^htttp: unknown key/], 'unless the key is unknown')
  t.match(faultsOf('geo: { databases: [null] }'), [/^geo\.databases\[0\]: expected/], 'or an entry of a list')
})

t.test('no text makes the loader throw anything but its own fault', async t => {
  const random = seededRandom(7)
  const pieces = [
    'http',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '&a',
    '*a',
    '"',
    "'",
    '#',
    '|',
    '5s',
    'rules',
    'null',
    '? ',
    '\t',
    '%',
  ]
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: 12 }, () => pieces[Math.floor(random() * pieces.length)]).join('')
    try {
      faultsOf(text)
    } catch (error) {
      t.fail(`${JSON.stringify(text)}: ${error}`)
    }
  }
  t.pass('2000 texts')
})
