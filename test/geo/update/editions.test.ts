import t from 'tap'
import { placesOf, withoutAwaited } from '../../../src/geo/update/editions.ts'

t.test('an edition belongs to the file of its name', async t => {
  const files = {
    databases: ['/a/GeoLite2-City.mmdb', '/a/my-GeoLite2-City.mmdb', '/b/GeoLite2-City.mmdb'],
    asn: '/a/GeoLite2-ASN.mmdb',
  }
  for (const [name, ...expected] of [
    ['GeoLite2-City', 'database /a/GeoLite2-City.mmdb', 'database /b/GeoLite2-City.mmdb'],
    ['GeoLite2-ASN', 'asn /a/GeoLite2-ASN.mmdb'],
    ['GeoLite2-Country'],
    ['City'],
  ] as const) {
    t.same(
      placesOf(name, files).map(({ kind, file }) => `${kind} ${file}`),
      expected,
      name,
    )
  }
})

t.test('files that are still to come are left out, while another database is there', async t => {
  const directory = t.testdir({ 'here.mmdb': '' })
  const here = `${directory}/here.mmdb`
  const city = `${directory}/GeoLite2-City.mmdb`
  const asn = `${directory}/GeoLite2-ASN.mmdb`
  const editions = [
    { name: 'GeoLite2-City', file: city, kind: 'database' as const },
    { name: 'GeoLite2-ASN', file: asn, kind: 'asn' as const },
  ]
  t.same(withoutAwaited({ databases: [city, here], asn }, editions), { databases: [here], asn: undefined })
  t.throws(() => withoutAwaited({ databases: [city], asn }, editions), { code: 'FILE_UNREADABLE', message: city })
  t.same(withoutAwaited({ databases: [city, here], asn }, []), { databases: [city, here], asn })
})
