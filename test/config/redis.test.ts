import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import type { MeridianError } from '../../src/errors.ts'

const redisOf = (redis: string) => parseConfig(`redis: ${redis}`, '/etc/meridian/meridian.yaml', {}).redis
const single = (host: string, port = 6379) => ({ kind: 'single', node: { host, port } })

t.test('where Redis is, and how to get there', async t => {
  for (const [redis, expected] of [
    ['{}', undefined],
    [
      '{ url: "redis://r" }',
      { target: { at: single('r'), database: 0, timeoutMs: 1_000 }, keyPrefix: '', tls: undefined },
    ],
    [
      '{ url: "rediss://u%40x:p%2Fw@r.example:7000/3", keyPrefix: "acme:" }',
      {
        target: { at: single('r.example', 7000), username: 'u@x', password: 'p/w', database: 3 },
        tls: { ca: undefined },
        keyPrefix: 'acme:',
      },
    ],
    [
      '{ url: "redis://[::1]:7000", database: 2, timeout: 250ms }',
      { target: { at: single('::1', 7000), database: 2, timeoutMs: 250 } },
    ],
    ['{ url: "redis://:old@r", password: new }', { target: { username: undefined, password: 'new' } }],
    [
      '{ sentinels: ["a:26379", "[::1]:26380"], sentinelName: eu, tls: { enabled: true, ca: ca.pem } }',
      {
        target: {
          at: {
            kind: 'sentinels',
            name: 'eu',
            nodes: [
              { host: 'a', port: 26_379 },
              { host: '::1', port: 26_380 },
            ],
          },
        },
        tls: { ca: '/etc/meridian/ca.pem', cert: undefined },
      },
    ],
    [
      '{ sentinels: ["a:1"], sentinelUsername: u, sentinelPassword: p, password: other }',
      { target: { at: { name: 'mymaster', username: 'u', password: 'p' }, password: 'other' } },
    ],
    [
      '{ cluster: ["a:7000"], snapshotFile: state/last.json }',
      { target: { at: { kind: 'cluster' } }, snapshotFile: '/etc/meridian/state/last.json' },
    ],
  ] as const) {
    t.match(redisOf(redis), expected, redis)
  }
})

t.test('what contradicts itself is named, and never with a password', async t => {
  for (const [redis, ...expected] of [
    ['{ url: "http://r" }', /redis\.url: expected redis:\/\/host:port, or rediss:\/\/ for TLS, not "http:\/\/r"/],
    ['{ url: "redis://u:s3cret@r/x" }', /redis\.url: expected .* not "redis:\/\/…@r\/x"/],
    [
      '{ url: "redis://r", cluster: ["a:1"], sentinels: ["a:1"] }',
      /redis\.sentinels: url says already/,
      /redis\.cluster: url says already/,
    ],
    ['{ cluster: ["a:1"], database: 2 }', /redis\.database: a Cluster has only database 0/],
    ['{ url: "redis://r/1", database: 2 }', /redis\.database: redis\.url names a database already/],
    ['{ cluster: ["a:70000"] }', /redis\.cluster\[0\]: expected a port up to 65535/],
    ['{ cluster: [a] }', /redis\.cluster\[0\]: expected host:port/],
    ['{ url: "redis://r", username: u }', /redis\.username: needs redis\.password/],
    ['{ sentinels: ["a:1"], sentinelUsername: u }', /redis\.sentinelUsername: needs redis\.sentinelPassword/],
    ['{ url: "redis://r", sentinelPassword: s3cret }', /redis\.sentinelPassword: there are no redis\.sentinels/],
    ['{ url: "redis://r", tls: { ca: ca.pem } }', /redis\.tls\.ca: TLS is off/],
    ['{ url: "rediss://r", tls: { cert: c.pem } }', /redis\.tls: cert and key go together/],
    ['{ url: "redis://r", keyPrefix: "{a}" }', /redis\.keyPrefix: expected at most 100 printable characters/],
  ] as const) {
    const { faults } = t.throws(() => redisOf(redis)) as MeridianError
    t.equal(faults.length, expected.length, redis)
    for (const [index, pattern] of expected.entries()) t.match(faults[index], pattern)
    t.notMatch(faults.join(), /s3cret/)
  }
})
