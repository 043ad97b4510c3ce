/**
 * Calls that nobody with good intentions makes, and how each has to be refused. For the test beside this file, and for
 * whoever measures that they slow nobody.
 *
 * They are bytes, not requests: much of what is wrong with them no HTTP client would send. Each is for a router in which
 * `victim` is registered with epoch 1 and report 5, `scoped-token` may report for `edge-*` only, and `wide-token` for all.
 */

export interface HostileCall {
  readonly name: string
  readonly kind: 'forged' | 'replayed' | 'cross-region' | 'oversized' | 'malformed' | 'ssrf' | 'header' | 'path'
  /** What goes over the wire. */
  readonly bytes: string
  /** Statuses of which one is the answer. */
  readonly statuses: readonly number[]
}

export const victim = 'cloud-victim'
export const scopedToken = 'scoped-token-of-the-edge-regions'
export const wideToken = 'wide-token-of-all-the-regions'
/** What no log and no answer may ever show. */
export const secrets: readonly string[] = [scopedToken, wideToken, 'password-in-a-url', 'forged-secret']

const spec = {
  name: 'Evil',
  tier: 'edge',
  coordinates: { latitude: 1, longitude: 1 },
  endpoints: { publicUrl: 'https://evil.example.com' },
}

interface Parts {
  readonly method?: string
  readonly path: string
  readonly token?: string
  readonly headers?: readonly string[]
  readonly host?: string
  readonly body?: unknown
  /** As it is, instead of `body`. */
  readonly text?: string
  readonly type?: string
}

function bytesOf({
  method = 'PUT',
  path,
  token = wideToken,
  headers = [],
  host = 'localhost',
  ...rest
}: Parts): string {
  const text = rest.text ?? (rest.body === undefined ? '' : JSON.stringify(rest.body))
  const type = rest.type ?? 'application/json'
  return [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...(token === '' ? [] : [`Authorization: Bearer ${token}`]),
    ...(text === '' ? [] : [`Content-Type: ${type}`]),
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...headers,
    'Connection: close',
    '',
    text,
  ].join('\r\n')
}

type Row = readonly [name: string, parts: Parts, ...statuses: number[]]

function calls(kind: HostileCall['kind'], rows: readonly Row[]): HostileCall[] {
  return rows.map(([name, parts, ...statuses]) => ({ name, kind, bytes: bytesOf(parts), statuses }))
}

const put = (id: string, body: unknown = spec): Parts => ({ path: `/v1/regions/${id}`, body })
const beat = (id: string, body: unknown): Parts => ({ method: 'POST', path: `/v1/regions/${id}/heartbeat`, body })

/** Every way to write. */
const writes: readonly Parts[] = [
  put('edge-x'),
  beat(victim, { epoch: 1, sequence: 6 }),
  { method: 'POST', path: `/v1/regions/${victim}/drain` },
  { method: 'POST', path: `/v1/regions/${victim}/undrain` },
  { method: 'DELETE', path: `/v1/regions/${victim}` },
  { method: 'POST', path: '/v1/fleet/mode', body: { mode: 'frozen' } },
  { method: 'POST', path: '/v1/tokens', body: { name: 'mine' } },
  { method: 'DELETE', path: '/v1/tokens/abc' },
  { method: 'GET', path: '/v1/tokens' },
  { method: 'GET', path: '/v1/audit' },
]

/** Credentials that are none. */
const forgeries: readonly (readonly [name: string, headers: readonly string[]])[] = [
  ['no token', []],
  ['a token of nobody', ['Authorization: Bearer forged-secret']],
  ['a token with one letter less', [`Authorization: Bearer ${wideToken.slice(0, -1)}`]],
  ['a token with one letter more', [`Authorization: Bearer ${wideToken}a`]],
  ['a token in capitals', [`Authorization: Bearer ${wideToken.toUpperCase()}`]],
  ['basic authentication', [`Authorization: Basic ${Buffer.from(`ops:${wideToken}`).toString('base64')}`]],
]

const forged = writes.flatMap((write): HostileCall[] =>
  forgeries.map(([name, headers]) => ({
    name: `${name}: ${write.method ?? 'PUT'} ${write.path}`,
    kind: 'forged',
    bytes: bytesOf({ ...write, token: '', headers }),
    statuses: [401],
  })),
)

const unentitled = calls(
  'forged',
  writes.slice(5).map((write): Row => [`a report token: ${write.method} ${write.path}`, write, 403]),
)

const crossRegion = [victim, 'cloud-new', 'core-x', 'edgex', 'xedge-1', 'edge', 'a-edge-1', 'x'].flatMap(id =>
  calls('cross-region', [
    [`registers ${id}`, { ...put(id), token: scopedToken }, 403],
    [`reports for ${id}`, { ...beat(id, { epoch: 1, sequence: 9 }), token: scopedToken }, 403],
    [`drains ${id}`, { method: 'POST', path: `/v1/regions/${id}/drain`, token: scopedToken }, 403],
    [`removes ${id}`, { method: 'DELETE', path: `/v1/regions/${id}`, token: scopedToken }, 403],
  ]),
)

const replayed = [
  ...[0, 1, 2, 3, 4, 5].map(sequence => ({ epoch: 1, sequence })),
  ...[0, 2, 3, 7, 1e6, Number.MAX_SAFE_INTEGER].map(epoch => ({ epoch, sequence: 100 })),
].flatMap(report =>
  calls('replayed', [
    [`report ${report.sequence} of epoch ${report.epoch}`, beat(victim, { ...report, inflight: 0 }), 409],
  ]),
)

const oversized = calls('oversized', [
  ['a body of 65 KiB', { ...put('edge-x'), text: ' '.repeat(65 * 1024) }, 413],
  ['a body of 1 MiB', { ...put('edge-x'), text: ' '.repeat(1024 * 1024) }, 413],
  ['a name of 60 KiB', put('edge-x', { ...spec, name: 'x'.repeat(60_000) }), 400],
  ['257 capabilities', put('edge-x', { ...spec, capabilities: Array.from({ length: 257 }, (_, i) => `${i}`) }), 400],
  [
    '17 addresses',
    put('edge-x', { ...spec, endpoints: { ...spec.endpoints, ipv4: Array(17).fill('10.0.0.1') } }),
    400,
    403,
  ],
  ['a label of 2 kB', put('edge-x', { ...spec, labels: { a: 'x'.repeat(2_000) } }), 400],
  [
    'a URL of 3 kB',
    put('edge-x', { ...spec, endpoints: { publicUrl: `https://${'a'.repeat(3_000)}.example.com` } }),
    400,
  ],
  ['a header of 20 KiB', { ...put('edge-x'), headers: [`X-Filler: ${'x'.repeat(20_000)}`] }, 431],
  ['an id of 5 kB', put('x'.repeat(5_000)), 400, 404, 414],
  [
    'a reason of 501 letters',
    { method: 'POST', path: `/v1/regions/${victim}/drain`, body: { reason: 'x'.repeat(501) } },
    400,
  ],
])

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`
const malformed = calls('malformed', [
  ...[17, 100, 1_000, 10_000, 30_000].flatMap((depth): Row[] => [
    [`${depth} lists in each other`, { ...put('edge-x'), text: nested(depth, '[', ']') }, 400],
    [`${depth} lists that never end`, { ...put('edge-x'), text: '['.repeat(depth) }, 400],
  ]),
  ...[17, 100, 1_000, 5_000].map(
    (depth): Row => [`${depth} mappings in each other`, { ...put('edge-x'), text: nested(depth, '{"a":', '}') }, 400],
  ),
  ...['', '{', '{"name"', 'nul', 'undefined', '{"a":1}{"b":2}', "{'a':1}", '\u0000', '\ufeff{}', '{"a":NaN}'].map(
    (text): Row => [`not JSON: ${JSON.stringify(text)}`, { ...put('edge-x'), text, headers: ['X-Empty: 1'] }, 400, 415],
  ),
  ...['null', '1', 'true', '"text"', '[]', '[{}]', '{}'].map(
    (text): Row => [`no region: ${text}`, { ...put('edge-x'), text }, 400],
  ),
  ['a prototype', { ...put('edge-x'), text: '{"__proto__":{"tier":"edge"}}' }, 400],
  ['a constructor', { ...put('edge-x'), text: '{"constructor":{"prototype":{"tier":"edge"}}}' }, 400],
  ['an unknown key', put('edge-x', { ...spec, admin: true }), 400],
  ['another id in the body', put('edge-x', { ...spec, id: victim }), 400],
  ['a latitude of 1e308', put('edge-x', { ...spec, coordinates: { latitude: 1e308, longitude: 0 } }), 400],
  ['a weight below nothing', put('edge-x', { ...spec, weight: -1 }), 400],
  ['a bias beyond all', put('edge-x', { ...spec, biasMs: -1e9 }), 400],
  ['a name of two lines', put('edge-x', { ...spec, name: 'a\nb' }), 400],
  ['a name that moves the cursor', put('edge-x', { ...spec, name: '\u001b[2J' }), 400],
  [
    'a probe of another host',
    put('edge-x', { ...spec, endpoints: { ...spec.endpoints, probe: { path: 'http://a/' } } }),
    400,
  ],
  [
    'a probe that splits the request',
    put('edge-x', { ...spec, endpoints: { ...spec.endpoints, probe: { path: '/ HTTP/1.1\r\nX: y' } } }),
    400,
  ],
  ['YAML', { ...put('edge-x'), type: 'text/yaml' }, 415],
  ['plain text', { ...put('edge-x'), type: 'text/plain' }, 415],
  ['a form', { ...put('edge-x'), type: 'application/x-www-form-urlencoded' }, 415],
  ['a load of less than nothing', beat(victim, { epoch: 1, sequence: 6, inflight: -1 }), 400],
  ['a CPU of 61', beat(victim, { epoch: 1, sequence: 6, cpu: 61 }), 400],
  ['half a sequence', beat(victim, { epoch: 1, sequence: 6.5 }), 400],
  ['a sequence as text', beat(victim, { epoch: 1, sequence: '6' }), 400],
  ['no sequence', beat(victim, { epoch: 1 }), 400],
])

/** Where nobody may send a router or its clients; `*.example.com` and 10.20.0.0/16 are allowed. */
const forbiddenUrls: readonly string[] = [
  ...[
    'http://169.254.169.254',
    'http://169.254.169.254:80',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://0251.0376.0251.0376',
  ],
  ...[
    'http://0xa9.0xfe.0xa9.0xfe',
    'http://169.254.43518',
    'http://[::ffff:169.254.169.254]',
    'http://[::ffff:a9fe:a9fe]',
  ],
  ...['http://[64:ff9b::a9fe:a9fe]', 'http://[2002:a9fe:a9fe::]', 'http://[fd00:ec2::254]', 'http://100.100.100.200'],
  ...['http://168.63.129.16', 'http://metadata.google.internal', 'http://metadata'],
  ...[
    'http://127.0.0.1',
    'http://127.0.0.1:6379',
    'http://127.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
  ],
  ...[
    'http://127.0.1.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::7f00:1]',
    'http://localhost',
    'http://LOCALHOST',
  ],
  ...['http://localhost.', 'http://0.0.0.0', 'http://0', 'http://[::]', 'http://255.255.255.255', 'http://224.0.0.1'],
  ...[
    'http://10.0.0.1',
    'http://10.21.0.1',
    'http://192.168.0.1',
    'http://172.16.0.1',
    'http://[fe80::1]',
    'http://[fe80::1%25eth0]',
  ],
  ...[
    'http://fra.example.com@127.0.0.1',
    'http://fra.example.com:password-in-a-url@evil.test',
    'http://127.0.0.1#fra.example.com',
  ],
  ...['http://127.0.0.1/fra.example.com', 'http://127.0.0.1?fra.example.com', 'http://fra.example.com/../admin'],
  ...[
    'http://fra.example.com\\@127.0.0.1',
    'http://127.0.0.1\\.example.com',
    'http:/127.0.0.1',
    'http:127.0.0.1',
    '//127.0.0.1',
  ],
  ...[
    'http://example.com',
    'http://fra.example.com.evil.test',
    'http://evilexample.com',
    'http://example.com.',
    'http://.example.com',
  ],
  ...[
    'http://fra.example.com.',
    'http://fra.example.com:0',
    'http://fra.example.com:70000',
    'http://fra.example.com:8081x',
  ],
  ...[
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_FLUSHALL',
    'ftp://fra.example.com',
    'data:text/plain,x',
    'javascript:alert(1)',
  ],
  ...[
    'unix:/var/run/docker.sock',
    'http+unix://%2Fvar%2Frun%2Fdocker.sock',
    'http://①②⑦.⓪.⓪.①',
    'http://127。0。0。1',
    'http://[::1]:8081',
  ],
  ...[
    'http://evil.test\r\nHost: fra.example.com',
    'http://fra.example.com\t',
    ' http://fra.example.com',
    'http://%31%32%37.0.0.1',
  ],
]

const ssrf = forbiddenUrls.flatMap(url =>
  calls('ssrf', [
    [`origin ${url}`, put('edge-x', { ...spec, endpoints: { ...spec.endpoints, originUrl: url } }), 400, 403],
    [`public ${url}`, put('edge-x', { ...spec, endpoints: { publicUrl: url } }), 400, 403],
  ]),
)

const loopback = ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f000001', '127.1', '0.0.0.0']

/** Ways to send a router to a listener of its neighbour on the same machine; 127.0.0.0/8 may be allowed. */
export function neighbourCalls(port: number): readonly HostileCall[] {
  return callsTo("a neighbour's", port, loopback)
}

/** Ways to send a router to its own Redis on the same machine, on whichever address of it; 127.0.0.0/8 may be allowed. */
export function redisCalls(port: number): readonly HostileCall[] {
  return callsTo("Redis'", port, [...loopback, '127.0.0.2', '127.255.255.254', '[::ffff:7f00:2]'])
}

function callsTo(whose: string, port: number, hosts: readonly string[]): readonly HostileCall[] {
  return hosts.flatMap(host => {
    const url = `http://${host}:${port}`
    return calls('ssrf', [
      [
        `${whose} origin ${url}`,
        put('edge-x', { ...spec, endpoints: { ...spec.endpoints, originUrl: url } }),
        400,
        403,
      ],
      [`${whose} public ${url}`, put('edge-x', { ...spec, endpoints: { publicUrl: url } }), 400, 403],
    ])
  })
}

const ssrfElsewhere = calls('ssrf', [
  ...['127.0.0.1', '169.254.169.254', '0.0.0.0', '10.0.0.1', '::1', '0x7f000001'].map(
    (address): Row => [
      `answers with ${address}`,
      put('edge-x', { ...spec, endpoints: { ...spec.endpoints, ipv4: [address] } }),
      400,
      403,
    ],
  ),
  ...['::1', 'fe80::1', '::ffff:127.0.0.1', '2001:db8::1'].map(
    (address): Row => [
      `answers with ${address}`,
      put('edge-x', { ...spec, endpoints: { ...spec.endpoints, ipv6: [address] } }),
      400,
      403,
    ],
  ),
  ...['localhost', 'evil.test', '127.0.0.1', 'a..example.com'].map(
    (cname): Row => [
      `is another name for ${cname}`,
      put('edge-x', { ...spec, endpoints: { ...spec.endpoints, cname } }),
      400,
      403,
    ],
  ),
])

const headers = [
  ...calls('header', [
    ...[
      'evil.test',
      'evil.test:8081',
      'localhost.evil.test',
      'localhost@evil.test',
      '127.0.0.1.evil.test',
      '8.8.8.8',
      '169.254.169.254',
    ].map((host): Row => [`Host ${host}`, { method: 'GET', path: '/v1/regions', host }, 421]),
    ['Host of nothing', { method: 'GET', path: '/v1/regions', host: '' }, 400, 421],
    ['two Hosts', { method: 'GET', path: '/v1/regions', headers: ['Host: evil.test'] }, 400],
    [
      'two Authorizations',
      { ...put('edge-x'), token: 'forged-secret', headers: [`Authorization: Bearer ${wideToken}`] },
      401,
    ],
    ['a length beside chunks', { ...put('edge-x'), headers: ['Transfer-Encoding: chunked'] }, 400],
    ['two lengths', { ...put('edge-x'), headers: ['Content-Length: 5'] }, 400],
    ['a length below nothing', { ...put('edge-x'), headers: ['Content-Length: -5'] }, 400],
    ['an unknown encoding', { ...put('edge-x'), headers: ['Transfer-Encoding: xchunked'] }, 400],
    ['a folded header', { ...put('edge-x'), headers: ['X-Folded: a', ' b'] }, 400],
    ['a header without a name', { ...put('edge-x'), headers: [': a'] }, 400],
    ['a header with a space in its name', { ...put('edge-x'), headers: ['X Header: a'] }, 400],
    ['a null byte', { ...put('edge-x'), headers: ['X-Null: a\u0000b'] }, 400],
    ['If-Match of another time', { ...put(victim), headers: ['If-Match: "999"'] }, 412],
    ['If-Match of nonsense', { ...put(victim), headers: ['If-Match: W/"1"'] }, 400],
    ['If-None-Match of what is there', { ...put(victim), headers: ['If-None-Match: *'] }, 412],
    [
      'another method by header',
      { ...put('edge-x'), method: 'GET', headers: ['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /v1/tokens'] },
      400,
      404,
    ],
    [
      'a forwarded operator',
      {
        method: 'POST',
        path: '/v1/fleet/mode',
        token: '',
        headers: ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-User: ops'],
        body: { mode: 'frozen' },
      },
      401,
    ],
  ]),
]

const paths = calls('path', [
  ...[
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e',
    '%2e%2e%2ftokens',
    './edge-x',
    'edge-x%00',
    'edge-x%0d%0aX:y',
    'edge-x%2fdrain',
  ].map((id): Row => [`region ${id}`, put(id), 400]),
  ...[
    'EDGE-X',
    'edge_x',
    '-edge',
    'edge-',
    'edge x'.replace(' ', '%20'),
    'edge%C0%AE',
    '%zz',
    '%u002e',
    'édge'.replace('é', '%C3%A9'),
  ].map((id): Row => [`region ${id}`, put(id), 400]),
  ['a path of another scheme', { ...put('edge-x'), path: 'http://evil.test/v1/regions/edge-x' }, 400, 404],
  ['a path without a slash', { ...put('edge-x'), path: 'v1/regions/edge-x' }, 400, 404],
  ['two slashes', { ...put('edge-x'), path: '//v1//regions//edge-x' }, 400, 404],
  ['semicolons', { ...put('edge-x'), path: '/v1/regions/edge-x;admin=1' }, 400, 404],
  ['a region below a region', { ...put('edge-x'), path: `/v1/regions/edge-x/${victim}` }, 400, 404],
  ['a query that is not known', { method: 'GET', path: '/v1/route?ip=8.8.8.8&debug=1' }, 400],
  ['a list of ten thousand', { method: 'GET', path: '/v1/explain?ip=8.8.8.8&host=a%0d%0ab' }, 400],
  [
    'a token in the query',
    { method: 'POST', path: `/v1/fleet/mode?token=${wideToken}`, token: '', body: { mode: 'frozen' } },
    401,
  ],
  ['a file of the program', { method: 'GET', path: '/docs/static/..%2f..%2f..%2fpackage.json' }, 400, 403, 404, 405],
  ['TRACE', { ...put('edge-x'), method: 'TRACE' }, 400, 404, 405],
  ['a method of nobody', { ...put('edge-x'), method: 'EVIL' }, 400],
])

/** All of them, each to be sent on a connection of its own. */
export const hostileCalls: readonly HostileCall[] = [
  ...forged,
  ...unentitled,
  ...crossRegion,
  ...replayed,
  ...oversized,
  ...malformed,
  ...ssrf,
  ...ssrfElsewhere,
  ...headers,
  ...paths,
]
