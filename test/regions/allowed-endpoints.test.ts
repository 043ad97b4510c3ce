import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { parseAddress } from '../../src/geo/address.ts'
import { parseAllowedEndpoints, requireAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { exampleRegion } from '../support/example-region.ts'

t.test('addresses are allowed by network, names by name', async t => {
  const allowed = allowedBy(['127.0.0.0/8', '10.20.0.0/16', '2001:db8::/32', '::1', 'localhost', '*.example.com'])
  for (const [host, expected] of [
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['10.20.0.5', true],
    ['10.21.0.5', false],
    ['169.254.169.254', false],
    ['0.0.0.0', false],
    ['::1', true],
    ['::2', false],
    ['2001:db8::10', true],
    ['2001:db9::10', false],
    ['::ffff:127.0.0.1', true],
    ['::ffff:a9fe:a9fe', false],
    ['64:ff9b::7f00:1', false],
    ['localhost', true],
    ['localhost.example.org', false],
    ['fra.example.com', true],
    ['a.b.example.com', true],
    ['example.com', false],
    ['.example.com', false],
    ['notexample.com', false],
    ['fra.example.com.evil.test', false],
  ] as const) {
    t.equal(allowed.allowsHost(host), expected, host)
  }
  t.ok(allowed.allowsAddress(parseAddress('10.20.1.1')!), 'what a name resolved to is asked about as an address')
})

t.test('an empty list allows nothing', async t => {
  const nothing = allowedBy([])
  for (const host of ['127.0.0.1', '::1', 'localhost', 'fra.example.com']) t.notOk(nothing.allowsHost(host), host)
})

t.test('no spelling of an address in a URL slips through', async t => {
  // Only what is in the usual spelling passes the check of a region; the others are tried as if that check were not there.
  const allowed = allowedBy(['10.0.0.0/8', '*.example.com'])
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ]) {
    const region = exampleRegion('a', { endpoints: { publicUrl: `http://${host}:8080` } })
    t.throws(() => requireAllowedEndpoints(region, allowed), { code: 'ENDPOINT_FORBIDDEN' }, host)
  }
  const mapped = exampleRegion('a', { endpoints: { publicUrl: 'http://[::ffff:10.1.2.3]' } })
  t.doesNotThrow(() => requireAllowedEndpoints(mapped, allowed), 'and one that is allowed is so in either family')
})

t.test('every endpoint of a region has to be allowed, and every one that is not is named', async t => {
  const endpoints = {
    publicUrl: 'https://evil.test:8443',
    originUrl: 'http://169.254.169.254',
    ipv4: ['10.0.0.1', '192.0.2.1'],
    ipv6: ['2001:db8::1'],
    cname: 'elsewhere.test',
  }
  const region = exampleRegion('edge-fra', { endpoints })
  try {
    requireAllowedEndpoints(region, allowedBy(['10.0.0.0/8']))
    t.fail('expected to throw')
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error
    t.equal(error.code, 'ENDPOINT_FORBIDDEN')
    t.same(error.faults, [
      'endpoints.publicUrl: "evil.test" is not among the allowed endpoints',
      'endpoints.originUrl: "169.254.169.254" is not among the allowed endpoints',
      'endpoints.ipv4[1]: "192.0.2.1" is not among the allowed endpoints',
      'endpoints.ipv6[0]: "2001:db8::1" is not among the allowed endpoints',
      'endpoints.cname: "elsewhere.test" is not among the allowed endpoints',
    ])
    t.match(error.message, /^region "edge-fra": .* \(control\.allowedEndpoints has to name the network or host\)$/)
  }
  const all = ['evil.test', '*.test', '10.0.0.0/8', '0.0.0.0/0', '192.0.2.0/24', '2001:db8::/32']
  const metadata = { message: /^region "edge-fra": endpoints\.originUrl: "169\.254\.169\.254" is not among/ }
  t.throws(() => requireAllowedEndpoints(region, allowedBy(all)), metadata, 'never, however wide the list is')
  const elsewhere = exampleRegion('edge-fra', { endpoints: { ...endpoints, originUrl: 'http://10.1.2.3' } })
  t.doesNotThrow(() => requireAllowedEndpoints(elsewhere, allowedBy(all)))
})

t.test('patterns that are none are all named', async t => {
  const words = 'expected a network (10.0.0.0/8), a host name in lower case, or *. and a host name, not'
  const checked = parseAllowedEndpoints([
    '*',
    'ok.example.com',
    '*.EXAMPLE.com',
    'http://x',
    '10.0.0.1/8',
    '10.0.0.0/33',
    '1.2.3',
    '',
  ])
  t.same(checked.ok ? [] : checked.faults, [
    { path: '[0]', message: `${words} "*"` },
    { path: '[2]', message: `${words} "*.EXAMPLE.com"` },
    { path: '[3]', message: `${words} "http://x"` },
    { path: '[4]', message: '10.0.0.1/8 has bits set after its prefix; write 10.0.0.0/8 or 10.0.0.1' },
    { path: '[5]', message: 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/33"' },
    { path: '[6]', message: `${words} "1.2.3"` },
    { path: '[7]', message: `${words} ""` },
  ])
})

function allowedBy(patterns: readonly string[]) {
  const checked = parseAllowedEndpoints(patterns)
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults))
  return checked.value
}
