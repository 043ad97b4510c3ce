import t from 'tap'
import { CellRegister } from '../../src/geo/cell.ts'

t.test('a cell is a square of one degree, in one country', async t => {
  const register = new CellRegister()
  for (const [latitude, longitude, country, number, why] of [
    [52.2, 21.4, 'PL', 1, 'the first'],
    [51.6, 20.6, 'PL', 1, 'the same square'],
    [52.2, 21.4, 'UA', 2, 'the same square across a border'],
    [52.2, 21.4, undefined, 3, 'the same square, country unknown'],
    [52.6, 21.4, 'PL', 4, 'the next square'],
    [-16.8, 179.9, 'FJ', 5, 'just before 180° east'],
    [-16.8, -180, 'FJ', 5, '180° west is 180° east'],
    [-16.8, -179.6, 'FJ', 5, 'rounded to it from the other side'],
    [-16.8, -179.4, 'FJ', 6, 'the square beyond'],
    [0.2, -0.2, 'XX', 7, 'near zero'],
    [-0.2, 0.2, 'XX', 7, 'zero has no sign'],
  ] as const) {
    const place = { coordinates: { latitude, longitude }, ...(country !== undefined && { country }) }
    t.equal(register.numberOf(place), number, why)
  }
  t.same(register.cells[5], { number: 5, coordinates: { latitude: -17, longitude: 180 }, country: 'FJ' })
  t.ok(
    Object.is(register.cells[7]?.coordinates?.latitude, 0) && Object.is(register.cells[7]?.coordinates?.longitude, 0),
  )
})

t.test('cell 0 is nothing known; a country or a continent alone is a cell without a square', async t => {
  const register = new CellRegister()
  t.same(register.cells, [{ number: 0 }])
  t.equal(register.numberOf({ country: 'PL', continent: 'EU' }), 1)
  t.equal(register.numberOf({ continent: 'EU' }), 2)
  t.same(register.cells.slice(1), [
    { number: 1, country: 'PL', continent: 'EU' },
    { number: 2, continent: 'EU' },
  ])
})
