import { copyFileSync } from 'node:fs'
import t from 'tap'
import { parseAddress } from '../../src/geo/address.ts'
import { loadLocator } from '../../src/geo/load-locator.ts'
import { MmdbWriter } from '../../src/geo/mmdb/writer.ts'
import { readRawRecord } from '../../src/geo/raw-record.ts'
import { flat, writeCountryPoints, writeDatabase, writeTo } from '../support/geo-fixture.ts'
import { networkFrom } from '../support/network-from.ts'

const directory = t.testdir()
const countryPoints = writeCountryPoints(directory)
const london = flat('GB', 51.5, -0.1, 'London')
const database = writeDatabase(directory, 'flat', { '81.2.69.0/24': london }, 4)

t.test('a person gets the whole record, as the file has it', async t => {
  const { sources } = await loadLocator({ databases: [database], countryPoints })
  for (const [text, record] of [
    ['81.2.69.142', london],
    ['::ffff:81.2.69.142', london],
    ['81.2.70.1', undefined],
    ['2001:db8::1', undefined],
  ] as const) {
    t.same(await readRawRecord(sources[0]!, parseAddress(text)!), record, text)
  }
})

t.test('a file that changed since it was loaded is not read', async t => {
  const file = `${directory}/changing.mmdb`
  copyFileSync(database, file)
  const { sources } = await loadLocator({ databases: [file], countryPoints })
  const later = new MmdbWriter({ databaseType: 'later', ipVersion: 4, builtAt: new Date('2026-07-01T00:00:00Z') })
  later.insert(networkFrom('81.2.69.0/24'), flat('FR', 48.9, 2.4, 'Paris'))
  for (const content of [later.toBytes(), 'no database at all']) {
    writeTo(directory, 'changing.mmdb', content)
    await t.rejects(readRawRecord(sources[0]!, parseAddress('81.2.69.142')!), {
      code: 'GEO_DATABASE_INVALID',
      message: /changing.mmdb: has changed since it was loaded/,
    })
  }
})
