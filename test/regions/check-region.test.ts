import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { checkRegion, inspectRegion } from '../../src/regions/check-region.ts'
import { formatFault } from '../../src/schema.ts'

const minimal = {
  id: 'edge-fra',
  name: 'Frankfurt',
  tier: 'edge',
  coordinates: { latitude: 50.11, longitude: 8.68 },
  endpoints: { publicUrl: 'https://fra.example.com' },
}

t.test('what is left out gets its default, and the value given stays as it was', async t => {
  const given = structuredClone(minimal)
  t.same(checkRegion(given, 'the body'), { ...minimal, weight: 1, biasMs: 0, capabilities: [], labels: {} })
  t.same(given, minimal)
})

t.test('one thing wrong, one fault that names it', async t => {
  const line = (from: number, to: number, text: string) =>
    `expected ${from} to ${to} characters on one line, not ${text}`
  const id = 'expected a region id: 1 to 63 of a-z, 0-9 and -, as in a host name'
  for (const [change, fault] of [
    [{ coordinates: { latitude: 91, longitude: 0 } }, 'coordinates.latitude: expected at most 90, not 91'],
    [{ coordinates: { latitude: 0, longitude: -181 } }, 'coordinates.longitude: expected at least -180, not -181'],
    [{ coordinates: { latitude: '50', longitude: 0 } }, 'coordinates.latitude: expected a number, not "50"'],
    [{ coordinates: undefined }, 'coordinates: is missing'],
    [{ id: '../etc' }, `id: ${id}, not "../etc"`],
    [{ id: 'a\nb' }, `id: ${id}, not "a\\nb"`],
    [{ id: 'a\n' }, `id: ${id}, not "a\\n"`],
    [{ id: '' }, `id: ${id}, not ""`],
    [{ tier: 'moon' }, 'tier: expected one of "edge", "cloud", "core", not "moon"'],
    [{ nmae: 'x' }, 'nmae: unknown key (did you mean name?)'],
    [{ name: '' }, `name: ${line(1, 100, '""')}`],
    [{ name: 'a\u0007' }, `name: ${line(1, 100, '"a\\u0007"')}`],
    [{ name: 'a\u2028b' }, `name: ${line(1, 100, '"a\\u2028b"')}`],
    [{ name: 'a\u009b2J' }, `name: ${line(1, 100, '"a\\u009b2J"')}`],
    [{ capabilities: ['a\r'] }, `capabilities[0]: ${line(1, 200, '"a\\r"')}`],
    [{ capabilities: ['a', 'a'] }, 'capabilities: expected no entry twice, not ["a","a"]'],
    [{ labels: { city: 'a\nb' } }, `labels.city: ${line(0, 1000, '"a\\nb"')}`],
    [{ labels: { 'a\nb': 'x' } }, `labels: ${line(1, 100, '"a\\nb"')}`],
    [{ jurisdiction: 'E U' }, 'jurisdiction: expected a jurisdiction: 1 to 32 letters, digits and -, not "E U"'],
    [{ capacityRequests: 0 }, 'capacityRequests: expected more than 0, not 0'],
    [{ weight: -1 }, 'weight: expected at least 0, not -1'],
  ] as const) {
    t.same(faultsOf({ ...minimal, ...change }), [fault], fault)
  }
})

t.test('one endpoint wrong, one fault that names it', async t => {
  const cname = 'endpoints.cname: expected a host name in lower case, without a dot at its end'
  for (const [change, fault] of [
    [
      { publicUrl: 'https://x.example/v1' },
      'endpoints.publicUrl: expected no path, not "https://x.example/v1": write "https://x.example"',
    ],
    [
      { originUrl: 'http://x/' },
      'endpoints.originUrl: expected no slash at the end, not "http://x/": write "http://x"',
    ],
    [{ publicUrl: undefined }, 'endpoints.publicUrl: is missing'],
    [{ publicUrl: 8080 }, 'endpoints.publicUrl: expected text, not 8080'],
    [{ ipv4: ['192.0.2.1', '2001:db8::1'] }, 'endpoints.ipv4[1]: expected an IPv4 address, not "2001:db8::1"'],
    [{ ipv4: ['192.0.2.01'] }, 'endpoints.ipv4[0]: expected an IPv4 address, not "192.0.2.01"'],
    [{ ipv6: ['192.0.2.1'] }, 'endpoints.ipv6[0]: expected an IPv6 address, not "192.0.2.1"'],
    [{ ipv6: ['fe80::1%eth0'] }, 'endpoints.ipv6[0]: expected an IPv6 address, not "fe80::1%eth0"'],
    [{ ipv6: '::1' }, 'endpoints.ipv6: expected a list, not "::1"'],
    [{ cname: 'fra.example.com.' }, `${cname}, not "fra.example.com."`],
    [{ cname: '192.0.2.1' }, `${cname}, not "192.0.2.1"`],
    [{ probe: { path: 'healthz' } }, 'endpoints.probe.path: expected a path that starts with /, not "healthz"'],
    [{ probe: { path: '/a\r\nb' } }, 'endpoints.probe.path: expected a path that starts with /, not "/a\\r\\nb"'],
    [{ url: 'http://x' }, 'endpoints.url: unknown key (known here: publicUrl, originUrl, ipv4, ipv6, cname, probe)'],
  ] as const) {
    t.same(faultsOf({ ...minimal, endpoints: { ...minimal.endpoints, ...change } }), [fault], fault)
  }
})

t.test('every fault is told at once, with the place that was asked about', async t => {
  const value = {
    ...minimal,
    id: '../x',
    coordinates: { latitude: 91, longitude: 0 },
    endpoints: { publicUrl: 'http://x/' },
  }
  try {
    checkRegion(value, 'edge-fra.json')
    t.fail('expected to throw')
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error
    t.equal(error.code, 'REGION_INVALID')
    t.equal(error.faults.length, 3)
    t.equal(error.message, `edge-fra.json: ${error.faults.join('; ')}`)
    for (const name of ['id:', 'coordinates.latitude:', 'endpoints.publicUrl:']) t.match(error.message, name)
  }
})

t.test('values of the wrong kind altogether are refused, not stumbled over', async t => {
  for (const value of [
    null,
    undefined,
    5,
    'x',
    [],
    [minimal],
    { endpoints: null },
    { endpoints: [] },
    { endpoints: 'x' },
  ]) {
    t.equal(inspectRegion(value).ok, false, JSON.stringify(value))
  }
})

function faultsOf(value: unknown): readonly string[] {
  // Through JSON, as it comes from a file or a body: without what is undefined.
  const checked = inspectRegion(JSON.parse(JSON.stringify(value)))
  return checked.ok ? [] : checked.faults.map(formatFault)
}
