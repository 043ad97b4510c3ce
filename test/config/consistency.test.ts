import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { MeridianError } from '../../src/errors.ts'

function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, undefined, {})
    return []
  } catch (error) {
    if (error instanceof MeridianError) return error.faults.map(fault => fault.replace(/ \(line \d+\)$/, ''))
    throw error
  }
}

const sha = (digit: string) => digit.repeat(64)

t.test('values that contradict each other are faults', async t => {
  for (const [text, ...expected] of [
    [
      'geo: { update: { accountId: 123 } }',
      /^geo\.update\.licenseKey: is missing/,
      /^geo\.update\.editions\[0\]: expected one file called GeoLite2-City.mmdb .* not none/,
    ],
    [
      'geo: { databases: [a/GeoLite2-City.mmdb], update: { licenseKey: x } }',
      /^geo\.update\.accountId: is missing: a download needs it/,
    ],
    [
      'geo: { databases: [a/GeoLite2-City.mmdb, b/GeoLite2-City.mmdb], update: { accountId: "1", licenseKey: x, editions: [GeoLite2-City, GeoLite2-ASN] } }',
      /^geo\.update\.editions\[0\]: expected one file called GeoLite2-City\.mmdb in geo\.databases or geo\.asn.*, not 2$/,
      /^geo\.update\.editions\[1\]: expected one file called GeoLite2-ASN\.mmdb .*, not none$/,
    ],
    ...[
      ['http://mirror.example.com', /^geo\.update\.url: expected https: the license key/],
      ['https://user:secret@mirror.example.com', /^geo\.update\.url: expected a URL without user, query or fragment$/],
      ['https://mirror.example.com/?key=secret', /^geo\.update\.url: expected a URL without/],
      ['ftp://mirror.example.com', /^geo\.update\.url: expected a URL such as/],
    ].map(
      ([url, fault]) =>
        [
          `geo: { databases: [GeoLite2-City.mmdb], update: { accountId: 1, licenseKey: x, url: "${url}" } }`,
          fault!,
        ] as const,
    ),
    [
      'http: { listen: [{ address: localhost }] }',
      /^http\.listen\[0\]\.address: expected an IP address, not "localhost"$/,
    ],
    ['http: { listen: [{}, {}] }', /^http\.listen\[1\]: listens on 0\.0\.0\.0 port 8080, as http\.listen\[0\] does$/],
    [
      'http: { listen: [{ address: 127.0.0.1, port: 8081 }] }',
      /^control\.listen: listens on 127\.0\.0\.1 port 8081, as http/,
    ],
    [
      'http: { trustedProxies: [10.0.0.0/8, 10.0.0.1/8, x] }',
      /^http\.trustedProxies\[1\]: .*write 10\.0\.0\.0\/8/,
      /^http\.trustedProxies\[2\]: expected a network/,
    ],
    [
      'routing: { exchangeEvery: 19ms, tollsEvery: 1m }',
      /^routing\.exchangeEvery: expected from 20ms to 5s, not 19ms$/,
      /^routing\.tollsEvery: expected from 500ms to 5s, not 1m$/,
    ],
    ['control: { allowedEndpoints: ["*.Example.com"] }', /^control\.allowedEndpoints\[0\]: expected a network/],
    [
      'control: { listen: { address: 0.0.0.0 } }',
      /^control\.listen\.address: "0\.0\.0\.0" is reachable from other machines/,
    ],
    ['control: { listen: { address: "::" } }', /^control\.listen\.address: "::" is reachable/],
    [
      `control: { tokens: [{ name: a, sha256: ${sha('a')} }, { name: a, sha256: ${sha('a')} }, { name: a, sha256: ${sha('b')} }] }`,
      /^control\.tokens\[2\]\.name: "a" has 2 tokens already: one in use and one to replace it$/,
      /^control\.tokens\[1\]\.sha256: the same token as control\.tokens\[0\]$/,
    ],
    [
      `control: { tokens: [{ name: a, sha256: ${sha('a')}, expires: 2027-13-01 }] }`,
      /^control\.tokens\[0\]\.expires: there is no such date: "2027-13-01"$/,
    ],
    ['control: { tls: { cert: a.pem } }', /^control\.tls\.key: is missing/],
    ['control: { tls: { key: a.pem, clientCa: b.pem } }', /^control\.tls\.cert: is missing/],
    ['control: { tls: { clientCa: a.pem } }', /^control\.tls\.clientCa: means nothing without/],
    [
      'control: { certificates: [{ subject: a }] }',
      /^control\.certificates: mean nothing without control\.tls\.clientCa/,
    ],
    [
      'control: { tls: { cert: a, key: b, clientCa: c }, certificates: [{ subject: a }, { subject: a }] }',
      /^control\.certificates\[1\]\.subject: "a" is the subject of control\.certificates\[0\] already$/,
    ],
    [
      'rules: [{ name: a }, { name: a, match: { path: /x } }]',
      /^rules\[1\]\.name: "a" is the name of rules\[0\] already$/,
    ],
    [
      'rules: [{ name: default, match: { path: /x } }]',
      /^rules\[0\]\.name: "default" is the name of the built-in catch-all/,
    ],
    [
      'rules: [{ name: a, cors: { origins: ["*"], credentials: true } }]',
      /^rules\[0\]\.cors\.origins: .* name the origins$/,
    ],
  ] as const) {
    const faults = faultsOf(text)
    t.equal(faults.length, expected.length, `${text}: ${faults.join('; ')}`)
    for (const [index, pattern] of expected.entries()) t.match(faults[index], pattern)
  }
})

t.test('what only looks alike is allowed', async t => {
  for (const text of [
    'control: { listen: { address: 127.0.0.2 } }',
    'control: { listen: { address: "::1" } }',
    `control: { listen: { address: 10.0.0.1 }, tokens: [{ name: a, sha256: ${sha('1').replace(/^1/, 'a')} }] }`,
    'http: { listen: [{ port: 0 }, { port: 0 }] }',
    'http: { listen: [{ address: "::", port: 80 }, { address: 0.0.0.0, port: 80 }] }',
    'rules: [{ name: default, strict: false }]',
    'geo: { databases: [x/GeoLite2-City.mmdb, embedded], update: { accountId: 1, licenseKey: x, url: "http://127.0.0.1:1" } }',
    'geo: { asn: GeoLite2-ASN.mmdb, update: { accountId: 1, licenseKey: x, editions: [GeoLite2-ASN], url: "http://[::1]:1" } }',
    'rules: [{ name: a, cors: { origins: ["*"] } }]',
  ]) {
    t.same(faultsOf(text), [], text)
  }
})

t.test('a rule that earlier ones leave nothing is a fault', async t => {
  for (const [first, second, unreachable] of [
    ['{}', '{}', true],
    ['{}', '{ path: / }', true],
    ['{ host: a.example, path: /v1 }', '{ host: a.example, path: /v1/ }', true],
    ['{ methods: [GET, POST] }', '{ methods: [POST] }', true],
    ['{}', '{ methods: [POST] }', true],
    ['{ methods: [GET] }', '{ methods: [GET, POST] }', false],
    ['{ methods: [GET] }', '{}', false],
    ['{ path: /v1 }', '{ path: /v10 }', false],
    ['{ path: /v1 }', '{ path: /v1/x }', false],
    ['{}', '{ host: a.example }', false],
    ['{ host: a.example }', '{}', false],
    ['{ host: "*.a.example" }', '{ host: b.a.example }', false],
  ] as const) {
    const faults = faultsOf(`rules: [{ name: a, match: ${first} }, { name: b, match: ${second} }]`)
    t.same(
      faults,
      unreachable ? ['rules[1]: can never match: "a" before it takes the same host and path'] : [],
      `${first} before ${second}`,
    )
  }
})

t.test('a license key of the wrong form is not repeated in the fault', async t => {
  for (const key of ['987654321', '[987654321]', '"987654321 "', '{ key: 987654321 }']) {
    const faults = faultsOf(`geo: { update: { accountId: 1, licenseKey: ${key} } }`)
    t.same(faults, ['geo.update.licenseKey: expected a license key, in quotes, not what stands there'], key)
  }
})
