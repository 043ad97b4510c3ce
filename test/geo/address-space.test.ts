import t from 'tap'
import { ClientAddress } from '../../src/geo/address.ts'
import { addressesPerCell } from '../../src/geo/address-space.ts'
import { embeddedDatabase, loadLocator } from '../../src/geo/load-locator.ts'
import { randomWord, seededRandom } from '../support/seeded-random.ts'
import { worldLocator } from '../support/world.ts'

t.test('every address is counted once, in its cell', async t => {
  const addresses = addressesPerCell(worldLocator())
  t.equal(
    addresses.reduce((sum, count) => sum + count, 0),
    2 ** 32,
  )
  t.same([...new Set(addresses.slice(1))], [65_536], 'each place of the small world is a /16')
})

t.test('of a real database the counts are what random addresses say', async t => {
  const locator = await loadLocator({ databases: [embeddedDatabase] })
  const addresses = addressesPerCell(locator)
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
