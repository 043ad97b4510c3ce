import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Reader } from 'mmdb-lib'
import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { type ClientAddress, formatAddress, parseAddress } from '../../src/geo/address.ts'
import type { CountryPoints } from '../../src/geo/country-points.ts'
import { loadLocator } from '../../src/geo/load-locator.ts'
import type { Location } from '../../src/geo/location.ts'
import { networkContains, networkOf } from '../../src/geo/network.ts'
import { placeOf } from '../../src/geo/record.ts'
import { countryPoints, nested, writeCountryPoints, writeDatabase, writeTo } from '../support/geo-fixture.ts'
import { networkFrom } from '../support/network-from.ts'
import { randomAddress } from '../support/random-addresses.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import { maxmindData, skipWithoutMaxmindData } from '../support/shared-data.ts'

const directory = t.testdir()
const points = writeCountryPoints(directory)
const noPoints = writeTo(directory, 'no-points.json', '{}')
const skip = skipWithoutMaxmindData

/** What MaxMind says that each network of a test database has to return. */
function expectedNetworks(edition: string): [string, Record<string, unknown>][] {
  const text = readFileSync(join(maxmindData, `${edition}-Test.json`), 'utf8')
  return (JSON.parse(text) as Record<string, Record<string, unknown>>[]).flatMap(entry => Object.entries(entry))
}

for (const edition of ['GeoLite2-City', 'GeoLite2-Country'] as const) {
  t.test(`${edition}: every network gives its country and place, over its whole prefix`, { skip }, async t => {
    const database = join(maxmindData, `${edition}-Test.mmdb`)
    for (const [file, table] of [
      [noPoints, {}],
      [points, countryPoints],
    ] as const) {
      const locator = await loadLocator({ databases: [database], countryPoints: file })
      for (const [text, record] of expectedNetworks(edition)) {
        const { address, prefixLength } = networkFrom(text)
        const location = locator.locate(address)
        t.same(withoutPrefix(location), { ...expectedPlace(record, table), source: basename(database) }, text)
        t.ok(location!.prefixLength <= prefixLength, `${text} is no narrower than it stands in the database`)
      }
    }
  })
}

t.test('GeoLite2-ASN: every network gives its AS number', { skip }, async t => {
  const asn = join(maxmindData, 'GeoLite2-ASN-Test.mmdb')
  const locator = await loadLocator({ databases: [], asn, countryPoints: points })
  for (const [text, record] of expectedNetworks('GeoLite2-ASN')) {
    const { address, prefixLength } = networkFrom(text)
    const location = locator.locate(address)
    t.equal(location?.asn, record['autonomous_system_number'], text)
    t.ok(location!.prefixLength <= prefixLength, `${text} is no narrower than it stands in the database`)
  }
})

t.test('random addresses give what another reader of the format finds', { skip }, async t => {
  const database = join(maxmindData, 'GeoLite2-City-Test.mmdb')
  const locator = await loadLocator({ databases: [database], countryPoints: points })
  const oracle = new Reader<Record<string, unknown>>(readFileSync(database))
  const networks = expectedNetworks('GeoLite2-City').map(([text]) => networkFrom(text))
  const random = seededRandom(7)
  const wrong: string[] = []
  let found = 0
  for (let round = 0; round < 10_000; round++) {
    const address = randomAddress(random, networks[randomInteger(random, networks.length)])
    // The tree has no NAT64 addresses in it, and IPv4-compatible ones that mean nothing any more.
    if (formatAddress(address).startsWith('64:ff9b::') || isBelow96(address)) continue
    const [record, length] = oracle.getWithPrefixLength(formatAddress(address))
    const location = locator.locate(address)
    if (record !== null) found++
    const expected =
      record === null ? undefined : { ...placeOf(record, countryPoints, fault), source: basename(database) }
    if (JSON.stringify(sorted(withoutPrefix(location))) !== JSON.stringify(sorted(expected))) {
      wrong.push(formatAddress(address))
    }
    if (record !== null && locator.prefixLength(address) > length) wrong.push(`prefix of ${formatAddress(address)}`)
  }
  t.same(wrong, [])
  t.ok(found > 2_000, `enough were in the database: ${found}`)
})

t.test('every broken database is refused by name, and the one in use stays in use', { skip }, async t => {
  const good = writeDatabase(directory, 'good', { '81.2.69.0/24': nested('GB', 51.5, -0.1, 'London') })
  const inUse = await loadLocator({ databases: [good], countryPoints: points })
  const files = readdirSync(join(maxmindData, 'bad'))
  t.ok(files.length > 0)
  for (const name of files) {
    const file = join(maxmindData, 'bad', name)
    await t.rejects(
      loadLocator({ databases: [good, file], countryPoints: points }),
      { code: 'GEO_DATABASE_INVALID', message: new RegExp(`${name}: .+`) },
      name,
    )
    t.equal(inUse.locate(parseAddress('81.2.69.142')!)?.city, 'London')
  }
})

t.test('a fault names the file, and what to expect', async t => {
  const bytes = readFileSync(writeDatabase(directory, 'whole', { '1.0.0.0/8': nested('GB', 51.5, -0.1, 'London') }))
  const asn = writeDatabase(directory, 'asn', { '1.0.0.0/8': { autonomous_system_number: 1 } })
  for (const [databases, code, message] of [
    [['/nowhere/city.mmdb'], 'FILE_UNREADABLE', /^cannot read \/nowhere\/city.mmdb: no such file or folder$/],
    [[directory], 'FILE_UNREADABLE', /: it is a folder, not a file$/],
    [[writeTo(directory, 'empty.mmdb', '')], 'GEO_DATABASE_INVALID', /empty.mmdb: /],
    [[writeTo(directory, 'text.mmdb', 'not a database')], 'GEO_DATABASE_INVALID', /text.mmdb: /],
    [[writeTo(directory, 'cut.mmdb', bytes.subarray(0, bytes.length - 40))], 'GEO_DATABASE_INVALID', /cut.mmdb: /],
    [
      [asn],
      'GEO_DATABASE_INVALID',
      /asn.mmdb: holds no places \(its type is asn\); expected a City or Country database/,
    ],
    [
      [writeDatabase(directory, 'strange', { '1.2.3.0/24': { country_code: 'GB', latitude: '51', longitude: 0 } })],
      'GEO_DATABASE_INVALID',
      /strange.mmdb: record of 1.2.3.0\/24: latitude: expected a number from -90 to 90, not "51"/,
    ],
  ] as const) {
    await t.rejects(loadLocator({ databases, countryPoints: points }), { code, message }, String(message))
  }
  await t.rejects(loadLocator({ databases: [], asn: join(directory, 'whole.mmdb'), countryPoints: points }), {
    code: 'GEO_DATABASE_INVALID',
    message: /whole.mmdb: holds no AS numbers/,
  })
})

t.test('faults of several files come together', async t => {
  const overrides = writeTo(directory, 'o.yaml', '- network: ten\n  country: xx\n- country: PL\n')
  const loading = loadLocator({ databases: ['/nowhere/a', '/nowhere/b'], overrides, countryPoints: points })
  const error = await loading.catch(reason => reason as MeridianError)
  t.ok(error instanceof MeridianError && error.code === 'CONFIG_INVALID')
  t.match((error as MeridianError).faults, [
    /nowhere\/a/,
    /nowhere\/b/,
    /o\.yaml: line 2: \[0\]/,
    /o\.yaml: line 3: \[1\]/,
  ])
})

t.test('a broken table of country points is refused', async t => {
  for (const [text, message] of [
    ['{', /c.json: not JSON/],
    ['{"us": {"latitude": 1, "longitude": 2, "continent": "NA"}}', /c.json: .*two capital letters/],
    ['{"US": {"latitude": 91, "longitude": 2}}', /c.json: US.continent: is missing; US.latitude: expected at most 90/],
  ] as const) {
    const file = writeTo(directory, 'c.json', text)
    await t.rejects(loadLocator({ databases: [], countryPoints: file }), { code: 'GEO_DATABASE_INVALID', message })
  }
})

function fault(message: string): MeridianError {
  return new MeridianError('GEO_DATABASE_INVALID', message)
}

/** The place by the words of the record, spelled out apart from the program's own reading. */
function expectedPlace(record: Record<string, unknown>, table: CountryPoints): Record<string, unknown> {
  const { country, continent, location, city, subdivisions } = record as {
    country?: { iso_code: string }
    continent: { code: string }
    location?: { latitude: number; longitude: number; accuracy_radius: number }
    city?: { names: { en: string } }
    subdivisions?: { iso_code: string }[]
  }
  const point = country === undefined ? undefined : table[country.iso_code]
  const isCountryPoint =
    point !== undefined &&
    ((city === undefined && subdivisions === undefined) || (location?.accuracy_radius ?? 0) >= 500)
  const coordinates = isCountryPoint ? point : location
  return {
    ...(coordinates && { coordinates: { latitude: coordinates.latitude, longitude: coordinates.longitude } }),
    ...(country && { country: country.iso_code }),
    continent: continent.code,
    ...(subdivisions && { subdivision: subdivisions[0]!.iso_code }),
    ...(city && { city: city.names.en }),
    ...(isCountryPoint ? { countryPoint: true } : location && { accuracyRadiusKm: location.accuracy_radius }),
  }
}

function withoutPrefix(location: Location | undefined): Omit<Location, 'prefixLength'> | undefined {
  if (location === undefined) return undefined
  const { prefixLength, ...rest } = location
  return rest
}

function sorted(value: object | undefined): unknown {
  return value && Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}

function isBelow96(address: ClientAddress): boolean {
  return address.family === 6 && networkContains(networkOf(parseAddress('::')!, 96), address)
}
