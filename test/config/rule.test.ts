import t from 'tap'
import { catchAllRule, Rule } from '../../src/config/rule.ts'
import { checker, formatFault } from '../../src/schema.ts'

const check = checker(Rule)

t.test('a rule with nothing but a name is the built-in catch-all by another name', async t => {
  t.same(check({ name: 'default' }), { ok: true, value: catchAllRule })
})

t.test('each fault of a rule names its key', async t => {
  for (const [key, value, expected] of [
    ['name', 'a b', 'name: expected a name: 1 to 63 letters, digits, dots, - or _, not "a b"'],
    ['match', { host: 'Example.com' }, /^match\.host: expected a host name in lower case, without port/],
    ['match', { host: 'example.com:80' }, /^match\.host/],
    ['match', { host: 'a.*.example.com' }, /^match\.host/],
    ['match', { path: 'v1' }, 'match.path: expected a path that starts with /, not "v1"'],
    ['match', { path: '/a b' }, /^match\.path/],
    ['match', { methods: ['get'] }, 'match.methods[0]: expected a method in upper case, not "get"'],
    ['match', { methods: [] }, /^match\.methods/],
    ['transport', 'forward', /^transport: expected one of "redirect", "proxy", "decide"/],
    ['status', 200, /^status: expected one of 301, 302, 303, 307, 308/],
    ['tiers', ['edge', 'edge'], /^tiers: expected no entry twice/],
    ['tiers', [], /^tiers/],
    ['roundTrips', 0, /^roundTrips: expected at least 0\.1/],
    ['capability', { header: 'x', value: 'y' }, /^capability: expected { header: … } or { value: … }/],
    ['affinity', { header: 'X-Session' }, /^affinity\.header: expected a header name in lower case/],
    [
      'residency',
      { Germany: ['EU'] },
      /^residency: expected a country code, EU or unknownCountry as key, not "Germany"/,
    ],
    ['residency', { EU: 'EU' }, /^residency\.EU: expected a list/],
    ['residency', { unknownCountry: 'maybe' }, /^residency\.unknownCountry: expected one of "refuse", "allow"/],
    ['lastResort', '../x', /^lastResort: expected a region id/],
    ['cors', {}, 'cors.origins: is missing'],
    ['cors', { origins: ['app.example.com'] }, /^cors\.origins\[0\]: expected an origin/],
    ['cors', { origins: ['https://app.example.com/'] }, /^cors\.origins\[0\]: expected an origin/],
    ['priority', 1, /^priority: expected { value: high \| normal \| low } or { header: … }/],
    ['priority', { value: 'urgent' }, /^priority: expected { value: high/],
    ['weight', 1, /^weight: unknown key/],
  ] as const) {
    const checked = check({ name: 'a', [key]: value })
    const faults = checked.ok ? [] : checked.faults.map(formatFault)
    t.equal(faults.length, 1, `${key} ${JSON.stringify(value)}: ${faults.join('; ')}`)
    t.match(faults[0], expected)
  }
})
