import t from 'tap'
import { ClientAddress } from '../../src/geo/address.ts'
import { countAddresses } from '../../src/geo/address-space.ts'
import { embeddedDatabase, loadLocator } from '../../src/geo/load-locator.ts'
import { randomWord, seededRandom } from '../support/seeded-random.ts'
import { worldLocator } from '../support/world.ts'

t.test('every address is counted once, in its cell', async t => {
  const { cells: addresses, pinned } = countAddresses(worldLocator())
  t.same(pinned, [])
  t.equal(
    addresses.reduce((sum, count) => sum + count, 0),
    2 ** 32,
  )
  t.same([...new Set(addresses.slice(1))], [65_536], 'each place of the small world is a /16')
})

t.test('of a real database the counts are what random addresses say', async t => {
  const locator = await loadLocator({ databases: [embeddedDatabase] })
  const { cells: addresses } = countAddresses(locator)
  t.equal(
    addresses.reduce((sum, count) => sum + count, 0),
    2 ** 32,
  )
  const random = seededRandom(11)
  const tries = 200_000
  const found = new Float64Array(addresses.length)
  for (let i = 0; i < tries; i++) {
    const cell = locator.cellOf(locator.locationNumber(new ClientAddress(4, randomWord(random))))
    found[cell] = found[cell]! + 1
  }
  let compared = 0
  for (const [cell, count] of addresses.entries()) {
    const expected = (count / 2 ** 32) * tries
    if (expected < 400) continue
    compared++
    // Five standard deviations of a binomial count: once in two million cells by chance, and the seed is fixed.
    t.ok(
      Math.abs(found[cell]! - expected) < 5 * Math.sqrt(expected),
      `cell ${cell}: ${found[cell]} of ${expected.toFixed(0)}`,
    )
  }
  t.ok(compared > 20, 'and there were enough to compare')
})

t.test('what an override pins is counted apart, whether it says where it is or not', async t => {
  const folder = t.testdir({
    'overrides.yaml': [
      '- { network: 81.2.69.0/24, region: a }',
      '- { network: 81.2.69.128/25, region: b, country: PL }',
      '- { network: 2001:db8::/32, region: c }',
    ].join('\n'),
  })
  const locator = await loadLocator({ databases: [embeddedDatabase], overrides: `${folder}/overrides.yaml` })
  const { cells, pinned } = countAddresses(locator)
  const of = (region: string) =>
    pinned.filter(({ pin }) => pin.region === region).reduce((sum, { addresses }) => sum + addresses, 0)
  t.same([of('a'), of('b'), of('c')], [128, 128, 0])
  t.equal(
    cells.reduce((sum, count) => sum + count, 256),
    2 ** 32,
  )
})
