import t from 'tap'
import { allowedJurisdictions } from '../../src/routing/residency.ts'

const residency = { unknownCountry: 'refuse', EU: ['EU'], CH: ['CH', 'EU'], FR: ['FR'] } as const

t.test('where a client may be served', async t => {
  for (const [country, expected, why] of [
    ['DE', ['EU'], 'a member of the Union'],
    ['FR', ['FR'], 'a country is more specific than the Union'],
    ['CH', ['CH', 'EU'], 'named itself'],
    ['US', undefined, 'not named: anywhere'],
    [undefined, [], 'unknown: refused'],
  ] as const) {
    t.same(allowedJurisdictions(residency, country), expected, why)
  }
  t.equal(allowedJurisdictions(undefined, 'DE'), undefined, 'no residency: anywhere')
  t.equal(allowedJurisdictions({ ...residency, unknownCountry: 'allow' }, undefined), undefined, 'unknown: allowed')
})
