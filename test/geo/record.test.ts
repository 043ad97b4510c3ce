import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { asnOf, placeOf } from '../../src/geo/record.ts'
import { countryPoints } from '../support/geo-fixture.ts'

const fail = (fault: string) => new MeridianError('GEO_DATABASE_INVALID', fault)
const polishPoint = { coordinates: { latitude: 51.9, longitude: 19.4 }, continent: 'EU', countryPoint: true }

t.test('nested and flat records say the same', async t => {
  const warsaw = { coordinates: { latitude: 52.2, longitude: 21 }, country: 'PL', city: 'Warsaw', subdivision: '14' }
  for (const [record, place, why] of [
    [
      {
        continent: { code: 'EU' },
        country: { iso_code: 'PL' },
        registered_country: { iso_code: 'US' },
        location: { latitude: 52.2, longitude: 21, accuracy_radius: 20 },
        subdivisions: [{ iso_code: '14', names: { en: 'Mazovia' } }, { iso_code: 'XX' }],
        city: { names: { de: 'Warschau', en: 'Warsaw' } },
      },
      { ...warsaw, continent: 'EU', accuracyRadiusKm: 20 },
      'nested',
    ],
    [
      { country_code: 'PL', latitude: 52.2, longitude: 21, city: 'Warsaw', state1: '14', state2: '', postcode: '' },
      { ...warsaw, continent: 'EU' },
      'flat: the continent comes from the table of countries',
    ],
    [
      { location: { latitude: 1, longitude: 2 }, city: { names: { fr: 'Ville' } } },
      { coordinates: { latitude: 1, longitude: 2 }, city: 'Ville' },
      'without an English name, the first',
    ],
    [
      { location: { latitude: 1, longitude: 2 }, subdivisions: [{ names: { en: 'Land' } }] },
      { coordinates: { latitude: 1, longitude: 2 }, subdivision: 'Land' },
      'without a code, the name',
    ],
  ] as const) {
    t.same(placeOf(record, countryPoints, fail), place, why)
  }
})

t.test('who is known by country only, or by a wild guess, gets the point where its people are', async t => {
  const middle = { latitude: 52.1, longitude: 19.1 }
  for (const [record, place, why] of [
    [{ country: { iso_code: 'PL' } }, { country: 'PL', ...polishPoint }, 'a Country database'],
    [
      { country: { iso_code: 'PL' }, location: { ...middle, accuracy_radius: 50 } },
      { country: 'PL', ...polishPoint },
      'neither city nor subdivision; the radius was around another point',
    ],
    [
      { country: { iso_code: 'PL' }, location: { ...middle, accuracy_radius: 500 }, city: { names: { en: 'Łódź' } } },
      { country: 'PL', city: 'Łódź', ...polishPoint },
      'a city, but 500 km around it',
    ],
    [
      { country: { iso_code: 'PL' }, location: { ...middle, accuracy_radius: 499 }, city: { names: { en: 'Łódź' } } },
      { country: 'PL', continent: 'EU', city: 'Łódź', coordinates: middle, accuracyRadiusKm: 499 },
      'just accurate enough',
    ],
    [{ country_code: 'PL', ...middle, city: '', state1: '' }, { country: 'PL', ...polishPoint }, 'flat'],
    [
      { country: { iso_code: 'AQ' }, location: middle },
      { country: 'AQ', coordinates: middle },
      'no point for that country',
    ],
    [
      { continent: { code: 'EU' }, location: { ...middle, accuracy_radius: 100 } },
      { continent: 'EU', coordinates: middle, accuracyRadiusKm: 100 },
      'no country at all: better the middle of a continent than nothing',
    ],
    [{ registered_country: { iso_code: 'PL' } }, { country: 'PL', ...polishPoint }, 'nothing but its registration'],
    [
      { registered_country: { iso_code: 'PL' }, continent: { code: 'NA' } },
      { continent: 'NA' },
      'a registration is not a place where something else is known',
    ],
  ] as const) {
    t.same(placeOf(record, countryPoints, fail), place, why)
  }
})

t.test('what knows nothing is undefined, never 0,0', async t => {
  for (const record of [
    {},
    { traits: { is_anonymous_proxy: true } },
    { country: {} },
    { country_code: '', latitude: 0, longitude: 0, city: '' },
    { country_code: 'ZZ' },
    { location: { latitude: 0, longitude: 0 } },
    { country: null, city: { geoname_id: 1 } },
  ]) {
    t.equal(placeOf(record, countryPoints, fail), undefined, JSON.stringify(record))
  }
})

t.test('strange values are faults of the database, named by their path', async t => {
  for (const [record, message] of [
    [{ location: { latitude: '52', longitude: 1 } }, 'location.latitude: expected a number from -90 to 90, not "52"'],
    [{ latitude: 999, longitude: 1 }, 'latitude: expected a number from -90 to 90, not 999'],
    [{ latitude: 1, longitude: 180.1 }, 'longitude: expected a number from -180 to 180, not 180.1'],
    [{ latitude: Number.NaN, longitude: 1 }, 'latitude: expected a number from -90 to 90, not null'],
    [{ latitude: 5n, longitude: 1 }, 'latitude: expected a number from -90 to 90, not "5"'],
    [{ latitude: 1 }, 'has a latitude without a longitude'],
    [{ location: { longitude: 1 } }, 'has a longitude without a latitude'],
    [{ location: [1, 2], city: 7 }, 'city: expected text, not 7'],
    [
      { location: { accuracy_radius: -1 }, country_code: 'PL' },
      'location.accuracy_radius: expected a number from 0 to 65535, not -1',
    ],
    [{ country: 'PL' }, 'country: expected a map or a list, not "PL"'],
    [{ country: { iso_code: 'pl' } }, 'country.iso_code: expected a country code of two capital letters, not "pl"'],
    [{ country_code: 'POL' }, 'country_code: expected a country code of two capital letters, not "POL"'],
    [{ continent: { code: 'XX' } }, 'continent.code: expected one of AF, AN, AS, EU, NA, OC, SA, not "XX"'],
    [{ city: { names: { en: 5 } } }, 'city.names.en: expected text, not 5'],
    ['text', 'expected a map for a record, not "text"'],
    [[1], 'expected a map for a record, not [1]'],
    [null, 'expected a map for a record, not null'],
  ] as const) {
    t.throws(() => placeOf(record, countryPoints, fail), { code: 'GEO_DATABASE_INVALID', message }, message)
  }
})

t.test('AS numbers', async t => {
  t.equal(asnOf({ autonomous_system_number: 15169, autonomous_system_organization: 'Google' }, fail), 15169)
  t.equal(asnOf({ asn: 4_200_000_000 }, fail), 4_200_000_000)
  t.equal(asnOf({ autonomous_system_organization: 'Nobody' }, fail), undefined)
  t.equal(asnOf({ autonomous_system_number: 0 }, fail), undefined, 'AS 0 is reserved (RFC 7607)')
  t.throws(() => asnOf({ asn: 'AS15169' }, fail), {
    message: 'asn: expected a number from 0 to 4294967295, not "AS15169"',
  })
})
