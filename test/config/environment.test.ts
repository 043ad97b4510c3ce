import t from 'tap'
import { type Config, loadConfig, parseConfig } from '../../src/config/config.ts'
import { readOverrides } from '../../src/config/environment.ts'
import { listKeys } from '../../src/config/keys.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import { MeridianError } from '../../src/errors.ts'
import { seededRandom } from '../support/seeded-random.ts'

function faultsOf(environment: Record<string, string>, text = ''): readonly string[] {
  const error = (() => {
    try {
      return parseConfig(text, 'meridian.yaml', environment)
    } catch (error) {
      return error
    }
  })()
  return error instanceof MeridianError ? error.faults : []
}

t.test('a variable overrides one value', async t => {
  for (const [variable, value, read, expected] of [
    ['MERIDIAN_FLEET', 'x', c => c.fleet, 'x'],
    ['MERIDIAN_HTTP__PORT', '9000', c => c.http.listen[0]!.port, 9000],
    ['MERIDIAN_HTTP__LISTEN__0__PORT', '9000', c => c.http.listen[0]!.port, 9000],
    ['MERIDIAN_HTTP__LISTEN__1__PORT', '9001', c => c.http.listen[1], { address: '0.0.0.0', port: 9001 }],
    ['MERIDIAN_HTTP__CLIENT_ADDRESS_HEADER', 'x-real-ip', c => c.http.clientAddressHeader, 'x-real-ip'],
    ['MERIDIAN_HTTP__CLIENTADDRESSHEADER', 'x-real-ip', c => c.http.clientAddressHeader, 'x-real-ip'],
    ['MERIDIAN_HTTP__TIMEOUTS__FIRST_BYTE', '3s', c => c.http.timeouts.firstByteMs, 3000],
    ['MERIDIAN_HEALTH__ENABLED', 'false', c => c.health.enabled, false],
    ['MERIDIAN_ROUTER__LOCATION__LATITUDE', '-1.5', c => c.router.location?.latitude, -1.5],
    ['MERIDIAN_GEO__DATABASES__0', '/a.mmdb', c => c.geo.databases, ['/a.mmdb']],
    ['MERIDIAN_RULES__0__CAPABILITY__HEADER', 'x-kind', c => c.rules[0]!.capability, { header: 'x-kind' }],
    ['MERIDIAN_RULES__0__RESIDENCY__EU__0', 'DE', c => c.rules[0]!.residency?.['EU'], ['DE']],
    ['MERIDIAN_FLEET', '', c => c.fleet, 'example'],
  ] as readonly (readonly [string, string, (config: Config) => unknown, unknown])[]) {
    const text = [
      'fleet: example',
      'http: { listen: [{ port: 80 }] }',
      'router: { location: { latitude: 1, longitude: 2 } }',
      'rules: [{ name: a, capability: { header: x-model }, residency: { EU: [EU] } }]',
    ].join('\n')
    t.same(read(parseConfig(text, 'meridian.yaml', { [variable]: value })), expected, `${variable}=${value}`)
  }
})

t.test('lists and sections are made where the file has none', async t => {
  const config = loadConfig(undefined, {
    MERIDIAN_CONTROL__TOKENS__0__NAME: 'ops',
    MERIDIAN_CONTROL__TOKENS__0__SHA256: 'a'.repeat(64),
    ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`MERIDIAN_REGIONS__DEFAULT_ORDER__${i}`, `r${i}`])),
  })
  const token = { name: 'ops', sha256: 'a'.repeat(64), rights: ['read', 'report', 'operator'], regions: ['*'] }
  t.same(config.control.tokens, [token])
  t.same(
    config.regions.defaultOrder,
    Array.from({ length: 12 }, (_, i) => `r${i}`),
    'in the order of their numbers',
  )
})

t.test('what is not Meridian’s setting is passed over', async t => {
  const { places: _, ...config } = loadConfig(undefined, {
    PATH: '/bin',
    MERIDIAN_CONTROL_URL: 'http://127.0.0.1:8081',
    MERIDIAN_TOKEN: 'secret',
    MERIDIAN_SERVICE_HOST: '10.0.0.1',
    MERIDIAN_SERVICE_PORT: '8080',
    MERIDIAN_SERVICE_PORT_HTTP: '8080',
    MERIDIAN_PORT: 'tcp://10.0.0.1:8080',
    MERIDIAN_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    MERIDIAN_PORT_8080_TCP_ADDR: '10.0.0.1',
    MERIDIAN_HTTP_PORT_8080_TCP_PROTO: 'tcp',
  })
  const { places: __, ...defaults } = loadConfig(undefined, {})
  t.same(config, defaults)
})

t.test('a variable that is wrong is named', async t => {
  for (const [environment, expected] of [
    [{ MERIDIAN_HTTP_PORT: '80' }, /^MERIDIAN_HTTP_PORT: no configuration key .*did you mean MERIDIAN_HTTP__PORT\?/],
    [{ MERIDIAN_PORT: '80' }, /^MERIDIAN_PORT: no configuration key .*did you mean MERIDIAN_HTTP__PORT\?/],
    [{ MERIDIAN_HTTP__PROT: '80' }, /^MERIDIAN_HTTP__PROT: no configuration key has this name/],
    [{ MERIDIAN_HTTP: '{}' }, /^MERIDIAN_HTTP: no configuration key/],
    [{ MERIDIAN_GEO__DATABASES: 'a.mmdb' }, /^MERIDIAN_GEO__DATABASES: .*did you mean MERIDIAN_GEO__DATABASES__0\?/],
    [{ MERIDIAN_FLEET__X: '1' }, /^MERIDIAN_FLEET__X: no configuration key/],
    [{ MERIDIAN_FLEET__: '1' }, /^MERIDIAN_FLEET__: .*did you mean MERIDIAN_FLEET\?/],
    [
      { MERIDIAN_HTTP__PORT: 'http' },
      /^http\.listen\[0\]\.port: expected a whole number, not "http" \(MERIDIAN_HTTP__PORT\)$/,
    ],
    [{ MERIDIAN_HTTP__PORT: '0x50' }, /^http\.listen\[0\]\.port: expected a whole number, not "0x50"/],
    [
      { MERIDIAN_HEALTH__ENABLED: 'yes' },
      /^health\.enabled: expected a boolean, not "yes" \(MERIDIAN_HEALTH__ENABLED\)$/,
    ],
    [
      { MERIDIAN_HTTP__LISTEN__2__PORT: '1' },
      /^MERIDIAN_HTTP__LISTEN__2__PORT: sets http\.listen\[2\]\.port, but the list has only 0 entries$/,
    ],
    [
      { MERIDIAN_HTTP__PORT: '1', MERIDIAN_HTTP__LISTEN__0__PORT: '2' },
      /sets http\.listen\[0\]\.port, as MERIDIAN_HTTP__PORT does/,
    ],
  ] as const) {
    const faults = faultsOf(environment)
    t.equal(faults.length, 1, faults.join('; '))
    t.match(faults[0], expected)
  }
})

t.test('where the file has something else on the way, the file is blamed', async t => {
  t.match(faultsOf({ MERIDIAN_HTTP__PORT: '1' }, 'http: 5'), [/^http: expected a mapping, not 5 \(meridian\.yaml:1\)$/])
})

t.test('every value of the schema has its variable, however it is spelt', async t => {
  const random = seededRandom(11)
  const sprinkle = (name: string) =>
    [...name]
      .map(letter => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase()))
      .join(random() < 0.3 ? '_' : '')
  for (const { path, schema } of listKeys(settingsSchema)) {
    const value = schema.items === undefined ? path : `${path}[]`
    const steps = value.replaceAll('[]', '.0').replace('*', 'CH').split('.')
    const expected = value.replaceAll('[]', '[0]').replace('*', 'CH')
    for (let spelling = 0; spelling < 5; spelling++) {
      const variable = `MERIDIAN_${steps.map(sprinkle).join('__')}`
      const { overrides, faults } = readOverrides(settingsSchema, { [variable]: 'x' })
      t.same([overrides.map(override => override.path), faults], [[expected], []], variable)
    }
  }
})
