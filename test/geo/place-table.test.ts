import t from 'tap'
import { CellRegister } from '../../src/geo/cell.ts'
import { PlaceTable, PlaceTableBuilder } from '../../src/geo/place-table.ts'
import type { Place } from '../../src/geo/record.ts'

const places: readonly Place[] = [
  { coordinates: { latitude: 48.69096, longitude: 9.14062 }, continent: 'EU', accuracyRadiusKm: 100 },
  { coordinates: { latitude: 51.9, longitude: 19.4 }, country: 'PL', continent: 'EU', countryPoint: true },
  { coordinates: { latitude: 51.77, longitude: 19.45 }, country: 'PL', city: 'Łódź', subdivision: '10' },
  { coordinates: { latitude: 0, longitude: -0.5 }, city: '東京', accuracyRadiusKm: 0 },
  { country: 'AQ' },
]

t.test('a place comes out as it went in, also in another thread', async t => {
  const builder = new PlaceTableBuilder()
  const numbers = places.map(place => builder.numberOf(place))
  t.same(numbers, [1, 2, 3, 4, 5])
  t.equal(builder.numberOf({ ...places[2]! }), 3, 'the same place has the same number')
  const table = new PlaceTable(structuredClone(builder.finish()))
  t.equal(table.size, 5)
  t.same(
    numbers.map(number => table.placeAt(number)),
    places,
  )
})

t.test('cells are numbered in the register that all sources share', async t => {
  const register = new CellRegister()
  register.numberOf({ country: 'XX' })
  const builder = new PlaceTableBuilder()
  for (const place of places) builder.numberOf(place)
  builder.numberOf({ ...places[2]!, city: 'Zgierz' })
  const cells = new PlaceTable(builder.finish()).cellsIn(register)
  t.same([...cells], [0, 2, 3, 4, 5, 6, 4])
  t.same(register.cells[4], { number: 4, coordinates: { latitude: 52, longitude: 19 }, country: 'PL' })
})
