import t from 'tap'
import { liesIn } from '../../src/regions/jurisdiction.ts'
import { region } from '../support/world.ts'

t.test('which regions lie there', async t => {
  for (const [jurisdiction, allowed, expected] of [
    ['DE', ['EU'], true],
    ['EU', ['EU'], true],
    ['EU', ['DE'], false],
    ['US', ['EU'], false],
    [undefined, ['EU'], false],
    [undefined, undefined, true],
    ['DE', [], false],
  ] as const) {
    const place = region('a', 'frankfurt', jurisdiction === undefined ? {} : { jurisdiction })
    t.equal(liesIn(place, allowed), expected, `${jurisdiction} in ${allowed}`)
  }
})
