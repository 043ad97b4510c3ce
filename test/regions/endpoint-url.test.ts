import t from 'tap'
import { endpointUrlFault, hostOf, isHostName } from '../../src/regions/endpoint-url.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

t.test('scheme, host and optional port, as a URL parser writes them, are an endpoint', async t => {
  for (const [url, host] of [
    ['https://fra.example.com', 'fra.example.com'],
    ['http://my_service:8000', 'my_service'],
    ['http://localhost', 'localhost'],
    ['http://127.0.0.1:8080', '127.0.0.1'],
    ['http://[2001:db8::10]:8080', '2001:db8::10'],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ] as const) {
    t.equal(endpointUrlFault(url), undefined, url)
    t.equal(hostOf(url), host)
  }
})

t.test('anything more, or spelt another way, is a fault that names the mend', async t => {
  for (const [url, fault] of [
    ['https://x.example/', 'expected no slash at the end, not "https://x.example/": write "https://x.example"'],
    ['https://x.example/v1', 'expected no path, not "https://x.example/v1": write "https://x.example"'],
    ['https://x.example?a', 'expected no query or fragment, not "https://x.example?a": write "https://x.example"'],
    ['https://x.example#a', 'expected no query or fragment, not "https://x.example#a": write "https://x.example"'],
    ['https://me:secret@x.example', 'expected no user name or password: write "https://x.example"'],
    ['ftp://x.example', 'expected an http or https URL, not "ftp://x.example"'],
    ['javascript:alert(1)', 'expected an http or https URL, not "javascript:alert(1)"'],
    ['x.example', 'expected scheme, host and optional port (https://fra.example.com), not "x.example"'],
    ['', 'expected scheme, host and optional port (https://fra.example.com), not ""'],
    ['http://256.1.1.1', 'expected scheme, host and optional port (https://fra.example.com), not "http://256.1.1.1"'],
    [
      'http://x.example:99999',
      'expected scheme, host and optional port (https://fra.example.com), not "http://x.example:99999"',
    ],
    ['http://x.example:0', 'expected a port from 1 to 65535, not 0 in "http://x.example:0"'],
    ['http://x.example.', 'expected a host without a dot at its end, not "http://x.example."'],
    ['http://a,b', 'expected a host name of a-z, 0-9, - and _, not "a,b"'],
    ['http://x.example\n', 'expected the usual spelling of a URL, not "http://x.example\\n": write "http://x.example"'],
    ['https://X.example', 'expected the usual spelling of a URL, not "https://X.example": write "https://x.example"'],
    [
      'https://x.example:443',
      'expected the usual spelling of a URL, not "https://x.example:443": write "https://x.example"',
    ],
    [
      'http:\\\\x.example',
      'expected the usual spelling of a URL, not "http:\\\\\\\\x.example": write "http://x.example"',
    ],
    ['http://0177.0.0.1', 'expected the usual spelling of a URL, not "http://0177.0.0.1": write "http://127.0.0.1"'],
    ['http://0x7f000001', 'expected the usual spelling of a URL, not "http://0x7f000001": write "http://127.0.0.1"'],
    ['http://127.1', 'expected the usual spelling of a URL, not "http://127.1": write "http://127.0.0.1"'],
  ] as const) {
    t.equal(endpointUrlFault(url), fault, JSON.stringify(url))
  }
})

t.test('a URL that passes can be put before any path: it stays scheme, host and port', async t => {
  const random = seededRandom(7)
  const pieces = [
    'http',
    'https',
    ':',
    '//',
    '/',
    '\\',
    '@',
    '?',
    '#',
    '.',
    'a',
    'b.c',
    '1',
    '[::1]',
    '%2f',
    ' ',
    '\t',
    ':80',
    ':8080',
  ]
  let passed = 0
  for (let round = 0; round < 50_000; round++) {
    const start = random() < 0.7 ? 'http://' : ''
    const url =
      start +
      Array.from({ length: randomInteger(random, 5) }, () => pieces[randomInteger(random, pieces.length)]).join('')
    if (endpointUrlFault(url) !== undefined) continue
    passed++
    const joined = new URL(`${url}/@evil.example/?x#y`)
    if (joined.origin !== url || !joined.pathname.startsWith('/@evil')) return t.fail(url)
  }
  t.ok(passed > 100, `${passed} of them passed`)
})

t.test('host names', async t => {
  const long = Array.from({ length: 4 }, () => 'a'.repeat(63)).join('.')
  for (const [text, expected] of [
    ['a', true],
    ['fra.example.com', true],
    ['my_service', true],
    ['1a.2b', true],
    [long.slice(2), true],
    [long, false],
    ['', false],
    ['A', false],
    ['a.', false],
    ['.a', false],
    ['a..b', false],
    ['-a', false],
    ['a-', false],
    ['a\n', false],
    ['1.2.3.4', false],
    ['a.1', false],
    ['::1', false],
    ['a'.repeat(64), false],
  ] as const) {
    t.equal(isHostName(text), expected, JSON.stringify(text))
  }
})
