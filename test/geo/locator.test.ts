import { basename } from 'node:path'
import t from 'tap'
import { formatAddress, parseAddress } from '../../src/geo/address.ts'
import { loadLocator } from '../../src/geo/load-locator.ts'
import type { Locator } from '../../src/geo/location.ts'
import { formatNetwork, networkOf } from '../../src/geo/network.ts'
import { flat, nested, writeCountryPoints, writeDatabase, writeTo } from '../support/geo-fixture.ts'
import { randomAddress } from '../support/random-addresses.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const directory = t.testdir()
const countryPoints = writeCountryPoints(directory)
const flatIpv4 = writeDatabase(
  directory,
  'flat-ipv4',
  {
    '81.2.69.0/24': flat('GB', 51.5, -0.1, 'London'),
    '81.2.70.0/24': flat('GB', 51.5, -0.1, 'London'),
    '8.8.8.0/24': flat('US', 37.8, -97.8),
  },
  4,
)
const flatIpv6 = writeDatabase(directory, 'flat-ipv6', { '2a02:898::/32': flat('PL', 52.2, 21, 'Warsaw') })
const fallback = writeDatabase(directory, 'fallback', {
  '0.0.0.0/0': nested('JP', 35.7, 139.7, 'Tokyo'),
  '2000::/3': nested('JP', 35.7, 139.7, 'Tokyo'),
})
const asn = writeDatabase(directory, 'asn', {
  '81.2.69.128/25': { autonomous_system_number: 20712 },
  '9.9.9.0/24': { autonomous_system_number: 19281 },
  '2a02:898:8000::/33': { autonomous_system_number: 8283 },
})
const overrides = writeTo(
  directory,
  'overrides.yaml',
  `
- { network: 81.2.69.192/28, country: PL, coordinates: { latitude: 52.23, longitude: 21.01 } }
- { network: 81.2.69.200/32, region: core-fra, whenDown: refuse }
- { network: 10.0.0.0/8, country: PL }
- { network: 10.8.0.0/16, coordinates: { latitude: 1, longitude: 2 }, region: edge-ams }
- { network: "64:ff9b::/96", region: cloud-nat }
- { network: 172.16.0.0/12, country: AQ }
`,
)

t.test('the first that knows an address wins', async t => {
  const locator = await loadLocator({ databases: [flatIpv4, flatIpv6], countryPoints })
  for (const [text, location] of [
    [
      '81.2.69.142',
      { coordinates: { latitude: 51.5, longitude: -0.1 }, country: 'GB', continent: 'EU', city: 'London' },
    ],
    ['2a02:898::1', { coordinates: { latitude: 52.2, longitude: 21 }, country: 'PL', continent: 'EU', city: 'Warsaw' }],
    [
      '8.8.8.8',
      { coordinates: { latitude: 37.3, longitude: -91.6 }, country: 'US', continent: 'NA', countryPoint: true },
    ],
  ] as const) {
    const { prefixLength, source, ...rest } = locator.locate(parseAddress(text)!)!
    t.same(rest, location, text)
    t.equal(source, basename(text.includes(':') ? flatIpv6 : flatIpv4))
  }
  const both = await loadLocator({ databases: [flatIpv4, fallback], countryPoints })
  t.equal(both.locate(parseAddress('81.2.69.142')!)?.country, 'GB')
  t.equal(both.locate(parseAddress('81.2.71.1')!)?.country, 'JP')
})

t.test('where nothing is known, the answer is undefined, location and cell are 0', async t => {
  const locator = await loadLocator({ databases: [flatIpv4, flatIpv6], countryPoints })
  for (const text of ['81.2.71.1', '0.0.0.0', '255.255.255.255', '::', '2a02:899::', '::ffff:1.1.1.1']) {
    const address = parseAddress(text)!
    t.equal(locator.locate(address), undefined, text)
    t.equal(locator.locationNumber(address), 0)
    t.equal(locator.pinIndex(address), -1)
  }
  t.equal(locator.cellOf(0), 0)
  t.same(locator.cells[0], { number: 0 })
})

t.test('places of one cell, in whichever source, have one cell number', async t => {
  const nearby = writeDatabase(directory, 'nearby', { '82.0.0.0/8': nested('GB', 51.6, 0.3, 'Dartford') })
  const locator = await loadLocator({ databases: [flatIpv4, nearby], countryPoints })
  const [london, dartford] = ['81.2.69.1', '82.1.1.1'].map(text => locator.locationNumber(parseAddress(text)!))
  // The continent is the country's, since these records name none.
  t.not(london, dartford)
  t.equal(locator.cellOf(london!), locator.cellOf(dartford!))
  t.same(locator.cells[locator.cellOf(london!)], {
    number: locator.cellOf(london!),
    coordinates: { latitude: 52, longitude: 0 },
    country: 'GB',
    continent: 'EU',
  })
})

t.test('an override beats any database, the longest prefix among overrides wins whole', async t => {
  const locator = await loadLocator({ databases: [flatIpv4, fallback], overrides, countryPoints })
  for (const [text, country, pin, why] of [
    ['81.2.69.191', 'GB', undefined, 'just outside'],
    ['81.2.69.192', 'PL', undefined, 'overridden'],
    ['::ffff:81.2.69.192', 'PL', undefined, 'overridden, and mapped'],
    ['2002:5102:45c0::1', 'PL', undefined, 'overridden, and 6to4'],
    ['81.2.69.200', 'GB', 'core-fra', 'pinned only: its place is as the database says, not as the wider override'],
    ['10.1.1.1', 'PL', undefined, 'a country without coordinates'],
    ['10.8.1.1', undefined, 'edge-ams', 'coordinates without a country take none from the database'],
    ['64:ff9b::102:304', 'JP', 'cloud-nat', 'an override for the address as it is'],
    ['64:ff9b::a01:101', 'JP', 'cloud-nat', 'goes before one for the address inside'],
    ['172.16.0.1', 'AQ', undefined, 'a country without a point'],
  ] as const) {
    const address = parseAddress(text)!
    t.equal(locator.locate(address)?.country, country, `${text}: ${why}`)
    t.equal(locator.pins[locator.pinIndex(address)]?.region, pin, text)
  }
  t.same(locator.pins[0], { region: 'core-fra', whenDown: 'refuse', network: '81.2.69.200/32' })
  t.same(locator.locate(parseAddress('10.1.1.1')!), {
    coordinates: { latitude: 51.9, longitude: 19.4 },
    country: 'PL',
    continent: 'EU',
    countryPoint: true,
    prefixLength: 13,
    source: basename(overrides),
  })
  t.same(locator.locate(parseAddress('172.16.0.1')!), { country: 'AQ', prefixLength: 12, source: basename(overrides) })
})

t.test('for overrides, too, a mapped address is nothing but its IPv4 address', async t => {
  const file = writeTo(
    directory,
    'mapped.yaml',
    '- { network: "::/0", region: cloud-v6 }\n- { network: "::ffff:10.0.0.0/104", region: edge-ten }\n',
  )
  const locator = await loadLocator({ databases: [], overrides: file, countryPoints })
  for (const [text, region] of [
    ['10.1.1.1', 'edge-ten'],
    ['::ffff:10.1.1.1', 'edge-ten'],
    ['::ffff:11.1.1.1', undefined],
    ['2002:a01:101::1', 'cloud-v6'],
    ['::1', 'cloud-v6'],
  ] as const) {
    t.equal(locator.pins[locator.pinIndex(parseAddress(text)!)]?.region, region, text)
  }
})

t.test('the prefix is as narrow as the narrowest that was asked', async t => {
  const databases = [flatIpv4, flatIpv6]
  const plain = await loadLocator({ databases, countryPoints })
  const full = await loadLocator({ databases, asn, overrides, countryPoints })
  const withFallback = await loadLocator({ databases: [flatIpv4, fallback], countryPoints })
  for (const [locator, text, network, why] of [
    [plain, '81.2.70.1', '81.2.70.0/24', 'the database'],
    [plain, '81.2.69.1', '81.2.69.0/24', 'equal neighbours of odd alignment stay two'],
    [full, '81.2.70.1', '81.2.70.0/24', 'nothing narrower'],
    [full, '81.2.69.1', '81.2.69.0/25', 'the AS'],
    [full, '81.2.69.129', '81.2.69.128/26', 'the hole that an override leaves'],
    [full, '81.2.69.201', '81.2.69.201/32', 'the hole in the override'],
    [full, '81.2.69.200', '81.2.69.200/32', 'the pin'],
    [full, '2a02:898::1', '2a02:898::/33', 'the AS'],
    [withFallback, '81.2.71.1', '81.2.71.0/24', 'a hole in the first, not the width of the second'],
    [plain, '::ffff:81.2.70.1', '::ffff:81.2.70.0/120', 'mapped'],
    [plain, '2002:5102:4601::1', '2002:5102:4600::/40', '6to4'],
    [withFallback, '2001:1::', '2001:1::/32', 'not good for Teredo next to it'],
    [withFallback, '2003::', '2003::/16', 'not good for 6to4 next to it'],
  ] as const) {
    const address = parseAddress(text)!
    t.equal(formatNetwork(networkOf(address, locator.prefixLength(address))), network, `${text}: ${why}`)
  }
})

t.test('the AS number stands beside the place, or alone', async t => {
  const locator = await loadLocator({ databases: [flatIpv4], asn, countryPoints })
  t.equal(locator.locate(parseAddress('81.2.69.142')!)?.asn, 20712)
  t.equal(locator.locate(parseAddress('81.2.69.42')!)?.asn, undefined)
  t.equal(locator.locate(parseAddress('64:ff9b::5102:458e')!)?.asn, 20712)
  t.same(locator.locate(parseAddress('9.9.9.9')!), { asn: 19281, prefixLength: 24, source: basename(asn) })
  t.equal(locator.locationNumber(parseAddress('9.9.9.9')!), 0)
})

t.test('it says what is loaded', async t => {
  const { sources } = await loadLocator({ databases: [flatIpv4, fallback], asn, overrides, countryPoints })
  const builtAt = new Date('2026-06-01T00:00:00Z')
  t.same(sources, [
    { file: overrides, kind: 'overrides', type: 'overrides', ipv4Networks: 5, ipv6Networks: 1, records: 6 },
    { file: flatIpv4, kind: 'database', type: 'flat-ipv4', builtAt, ipv4Networks: 3, ipv6Networks: 0, records: 2 },
    { file: fallback, kind: 'database', type: 'fallback', builtAt, ipv4Networks: 1, ipv6Networks: 1, records: 1 },
    { file: asn, kind: 'asn', type: 'asn', builtAt, ipv4Networks: 2, ipv6Networks: 1, records: 3 },
  ])
})

t.test('over the whole prefix of an answer, the answer is the same', async t => {
  const locator = await loadLocator({ databases: [flatIpv4, flatIpv6, fallback], asn, overrides, countryPoints })
  const random = seededRandom(6)
  const known = [
    '81.2.69.192',
    '81.2.70.1',
    '10.8.1.1',
    '2a02:898::1',
    '64:ff9b::a01:101',
    '2002:5102:45c0::1',
    '2001::',
  ]
  const wrong: string[] = []
  for (let round = 0; round < 20_000; round++) {
    const near = networkOf(parseAddress(known[randomInteger(random, known.length)]!)!, 8 + randomInteger(random, 25))
    const address = randomAddress(random, near)
    const block = networkOf(address, locator.prefixLength(address))
    const other = randomAddress(random, { address, prefixLength: block.prefixLength })
    if (formatNetwork(networkOf(other, block.prefixLength)) !== formatNetwork(block)) continue
    if (answerOf(locator, other) !== answerOf(locator, address)) {
      wrong.push(`${formatAddress(address)} and ${formatAddress(other)} in /${block.prefixLength}`)
    }
  }
  t.same(wrong, [])
})

function answerOf(locator: Locator, address: NonNullable<ReturnType<typeof parseAddress>>): string {
  const { prefixLength, ...location } = locator.locate(address) ?? { prefixLength: 0 }
  return JSON.stringify([locator.locationNumber(address), locator.pinIndex(address), location])
}
