/** Pins how the embedded database is made coarser, and what the one in the repository knows. */

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type CityResponse, Reader } from 'mmdb-lib'
import t from 'tap'
import { buildCityDatabase } from '../../data/city-database.ts'
import { continentOf } from '../../data/continents.ts'
import { distanceKm } from '../../src/geo/coordinates.ts'
import { continents } from '../../src/geo/country-points.ts'
import { loadCountryPoints } from '../../src/geo/load-country-points.ts'
import { checkMmdb } from '../../src/geo/mmdb/check.ts'
import type { MmdbValue } from '../../src/geo/mmdb/encode.ts'
import { type MmdbReader, openMmdb } from '../../src/geo/mmdb/reader.ts'
import { MmdbWriter } from '../../src/geo/mmdb/writer.ts'
import { bundledData } from '../../src/paths.ts'
import { flat, nested } from '../support/geo-fixture.ts'
import { networkFrom } from '../support/network-from.ts'

const heading = { databaseType: 'Test-City', ipVersion: 6, builtAt: new Date('2026-06-01T00:00:00Z') } as const

function sourceOf(records: Readonly<Record<string, MmdbValue>>): MmdbReader {
  const writer = new MmdbWriter(heading)
  for (const [network, record] of Object.entries(records)) writer.insert(networkFrom(network), record)
  return openMmdb(writer.toBytes(), 'source.mmdb')
}

t.test('squares take the name of their biggest place, in MaxMind’s schema', async t => {
  const reader = sourceOf({
    '10.0.0.0/24': flat('GB', 51.51, -0.13, 'London (City of London)'),
    '10.0.1.0/24': flat('GB', 51.5, -0.1, 'London'),
    '10.0.2.0/24': flat('GB', 51.9, 0.2, 'Bishop’s Stortford'),
    '10.1.0.0/24': flat('GB', 52, 0),
    '10.2.0.0/16': nested('FJ', -16.8, -179.9, 'Taveuni'),
    '10.3.0.0/25': flat('GB', 51.5, -0.1, 'London'),
    '10.3.0.128/26': flat('FR', 48.9, 2.3, 'Paris'),
    '10.4.0.0/16': { country: { iso_code: 'GB' } },
    '2a00::/41': flat('FR', 48.9, 2.3, 'Paris'),
  })
  const { bytes, places } = buildCityDatabase(
    [
      { reader, family: 4 },
      { reader, family: 6 },
    ],
    heading,
  )
  const london = {
    city: { names: { en: 'London' } },
    continent: { code: 'EU' },
    country: { iso_code: 'GB' },
    location: { latitude: 52, longitude: 0 },
  }
  const { city: _, ...unnamed } = london
  const found = new Reader<object>(Buffer.from(bytes))
  for (const [address, expected, why] of [
    ['10.0.0.1', london, 'the part of a city counts for the city'],
    ['10.0.2.1', london, 'a smaller place in the same square'],
    ['10.1.0.1', unnamed, 'a record without a name gets none'],
    ['10.3.0.200', london, 'most of its /24'],
    ['10.4.0.1', null, 'no coordinates'],
    ['10.9.0.1', null, 'nothing known'],
    [
      '10.2.0.1',
      {
        city: { names: { en: 'Taveuni' } },
        continent: { code: 'OC' },
        country: { iso_code: 'FJ' },
        location: { latitude: -17, longitude: 180 },
      },
      '-180 is 180',
    ],
    [
      '2a00:0:f0::1',
      {
        city: { names: { en: 'Paris' } },
        continent: { code: 'EU' },
        country: { iso_code: 'FR' },
        location: { latitude: 49, longitude: 2 },
      },
      'IPv6 at /40',
    ],
  ] as const) {
    t.same(found.get(address), expected, why)
  }
  t.equal(places.length, 7, 'places for the points of countries')
})

const file = bundledData('city.mmdb')

t.test('the embedded database is whole, small, and complete', async t => {
  const bytes = readFileSync(file)
  t.ok(bytes.length <= 12 * 1024 * 1024, `${bytes.length} bytes`)
  const reader = openMmdb(bytes, file)
  const { ipv4Networks, ipv6Networks } = checkMmdb(reader)
  t.ok(ipv4Networks > 1_000_000 && ipv6Networks > 300_000, `${ipv4Networks} + ${ipv6Networks} networks`)
  t.match(reader.metadata, { databaseType: /City/, ipVersion: 6, description: /DB-IP City Lite.*CC BY 4\.0/ })
  t.match(readFileSync(bundledData('ATTRIBUTION.md'), 'utf8'), /IP Geolocation by DB-IP/)

  const points = await loadCountryPoints()
  const offsets = new Set<number>()
  for (const family of [4, 6] as const) reader.walk(family, (_a, _b, _c, _d, _length, offset) => offsets.add(offset))
  const wrong = [...offsets]
    .map(offset => reader.decode(offset) as CityResponse)
    .filter(({ continent, country, location }) => {
      const point = points[country!.iso_code]
      const inWholeDegrees = Number.isInteger(location!.latitude) && Number.isInteger(location!.longitude)
      return point === undefined || point.continent !== continent!.code || !inWholeDegrees
    })
  t.same(wrong, [], 'whole degrees, and a point for every country')
})

t.test('the embedded database knows where addresses are', async t => {
  const reader = new Reader<CityResponse>(readFileSync(file))
  for (const [address, country, latitude, longitude] of [
    ['81.2.69.142', 'GB', 51.5, -0.1],
    ['202.96.128.86', 'CN', 23.1, 113.3],
    ['193.0.6.139', 'NL', 52.4, 4.9],
    ['133.11.0.1', 'JP', 35.7, 139.8],
    ['200.160.2.3', 'BR', -23.5, -46.6],
    ['::ffff:81.2.69.142', 'GB', 51.5, -0.1],
    ['2a00:1450:4009:80b::200e', 'GB', 51.5, -0.1],
    ['2001:dc7::1', 'CN', 39.9, 116.4],
  ] as const) {
    const record = reader.get(address)
    const awayKm = record?.location === undefined ? Infinity : distanceKm(record.location, { latitude, longitude })
    t.ok(record?.country?.iso_code === country && awayKm < 250, `${address} is ${awayKm.toFixed(0)} km from there`)
  }
  for (const address of ['10.0.0.1', '127.0.0.1', '192.168.1.1']) t.equal(reader.get(address), null, address)
})

const withoutMmdblookup = spawnSync('mmdblookup', ['--version']).status === 0 ? false : 'mmdblookup is not installed'

t.test('libmaxminddb reads the embedded database', { skip: withoutMmdblookup }, async t => {
  for (const [address, expected] of [
    ['81.2.69.142', '"GB" <utf8_string>'],
    ['202.96.128.86', '"CN" <utf8_string>'],
    ['2a00:1450:4009:80b::200e', '"GB" <utf8_string>'],
  ] as const) {
    const args = ['--file', file, '--ip', address, 'country', 'iso_code']
    t.equal(execFileSync('mmdblookup', args, { encoding: 'utf8' }).trim(), expected, address)
  }
})

t.test('every country has a continent, and its point is in it', async t => {
  t.same([...new Set(continentOf.values())].sort(), continents)
  const points = await loadCountryPoints()
  for (const [country, latitude, longitude, withinKm] of [
    ['GB', 52.5, -1.5, 150],
    ['FR', 47.5, 2.5, 200],
    ['US', 39, -88, 300],
    ['RU', 55.5, 45, 400],
    ['EG', 30.05, 31.2, 100],
    ['SG', 1.35, 103.8, 30],
    ['FJ', -17.8, 178, 150],
  ] as const) {
    t.ok(distanceKm(points[country]!, { latitude, longitude }) < withinKm, country)
  }
})
