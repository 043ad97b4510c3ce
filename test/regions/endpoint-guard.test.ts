/** What this router refuses to connect to: by rule, by a resolver that answers as an attacker would have it, and for real. */

import type { LookupAddress } from 'node:dns'
import t, { type Test } from 'tap'
import { createUndiciForwarder } from '../../src/edge/undici-forwarder.ts'
import { parseAddress } from '../../src/geo/address.ts'
import { probeHttp } from '../../src/health/probe-http.ts'
import { parseAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { createEndpointGuard, isPublic } from '../../src/regions/endpoint-guard.ts'
import { guardConnections, guardedLookup, type LookUpAll } from '../../src/regions/guarded-connect.ts'
import { realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { randomWord, seededRandom } from '../support/seeded-random.ts'

const name = 'http://fra.example.com:8000'

function guardOf(patterns: readonly string[], own: readonly { address: string; port: number }[] = []) {
  const allowed = parseAllowedEndpoints(patterns)
  if (!allowed.ok) throw new Error('not a list')
  const place = { machine: 'here', listeners: own, addresses: ['10.9.9.9'] }
  return createEndpointGuard({ allowed: allowed.value, own: () => place })
}

/** A resolver that has one answer to everything. */
const answering =
  (...addresses: string[]): LookUpAll =>
  (_host, _options, callback) =>
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

t.test('where a name may lead', async t => {
  for (const [patterns, address, allowed] of [
    [['*.example.com'], '8.8.8.8', true],
    [['*.example.com'], '2606:4700::1111', true],
    [['*.example.com'], '64:ff9b::808:808', true],
    [['*.example.com'], '127.0.0.1', false],
    [['*.example.com'], '::1', false],
    [['*.example.com'], '::ffff:127.0.0.1', false],
    [['*.example.com'], '10.0.0.1', false],
    [['*.example.com'], '172.31.255.255', false],
    [['*.example.com'], '192.168.1.1', false],
    [['*.example.com'], '100.64.0.1', false],
    [['*.example.com'], 'fd12::1', false],
    [['*.example.com'], '169.254.169.254', false],
    [['*.example.com'], '::ffff:169.254.169.254', false],
    [['*.example.com'], '64:ff9b::a9fe:a9fe', false],
    [['*.example.com'], '64:ff9b::7f00:1', false],
    [['*.example.com'], '2002:7f00:1::', false],
    [['*.example.com'], '::7f00:1', false],
    [['*.example.com'], 'fe80::1', false],
    [['*.example.com'], '0.0.0.0', false],
    [['*.example.com'], '::', false],
    [['*.example.com'], '224.0.0.1', false],
    [['*.example.com'], 'ff02::1', false],
    [['*.example.com'], '255.255.255.255', false],
    [['*.example.com'], '192.0.2.1', false],
    [['*.example.com', '10.0.0.0/8'], '10.0.0.1', true],
    [['*.example.com', '127.0.0.0/8'], '127.0.0.1', true],
    [['*.example.com', '127.0.0.0/8'], '::ffff:127.0.0.1', true],
    [['*.example.com', '0.0.0.0/0', '::/0'], '169.254.169.254', false],
    [['*.example.com', '0.0.0.0/0', '::/0'], '168.63.129.16', false],
    [['*.example.com', '0.0.0.0/0', '::/0'], '100.100.100.200', false],
    [['*.example.com', '0.0.0.0/0', '::/0'], 'fd00:ec2::254', false],
    [['*.example.com', '0.0.0.0/0', '::/0'], '2002:a9fe:a9fe::', false],
    [['*.example.com', '0.0.0.0/0', '::/0'], '0.0.0.0', false],
  ] as const) {
    const refusal = guardOf(patterns).refusalOf(name, parseAddress(address)!)
    t.equal(refusal === undefined, allowed, `${patterns.join(' ')}: ${address} (${refusal})`)
  }
})

t.test('an address that is in nobody’s special range is public', async t => {
  const random = seededRandom(3)
  const special = (word: number): boolean => {
    const [a, b, c] = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255]
    if (a === 0 || a === 10 || a === 127 || a >= 224) return true
    if (a === 100) return b >= 64 && b < 128
    if (a === 169) return b === 254
    if (a === 172) return b >= 16 && b < 32
    if (a === 192) return (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99) || b === 168
    if (a === 198) return b === 18 || b === 19 || (b === 51 && c === 100)
    return a === 203 && b === 0 && c === 113
  }
  const firsts = [0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255]
  let wrong = 0
  for (let i = 0; i < 20_000; i++) {
    let word = randomWord(random)
    if (i % 2 === 0) word = (word & 0xffffff) | (firsts[i % firsts.length]! << 24)
    const text = [24, 16, 8, 0].map(shift => (word >>> shift) & 255).join('.')
    if (isPublic(parseAddress(text)!) === special(word)) wrong++
  }
  t.equal(wrong, 0)
})

t.test('this router itself is nobody’s region, not even that of a file', async t => {
  const own = [
    { address: '127.0.0.1', port: 8081 },
    { address: '0.0.0.0', port: 8080 },
    { address: '::', port: 8443 },
  ]
  const guard = guardOf(['127.0.0.0/8', '10.0.0.0/8', '*.example.com'], own)
  const file = exampleRegion('a', { endpoints: { publicUrl: 'http://router.internal:8080' } })
  guard.trust([file])
  for (const [origin, address, allowed] of [
    ['http://127.0.0.1:8081', '127.0.0.1', false],
    ['http://127.0.0.1:8082', '127.0.0.1', true],
    ['http://127.0.0.2:8081', '127.0.0.2', true],
    ['http://127.0.0.2:8080', '127.0.0.2', false],
    ['http://10.9.9.9:8080', '10.9.9.9', false],
    ['http://10.9.9.8:8080', '10.9.9.8', true],
    ['http://fra.example.com:8080', '127.0.0.1', false],
    ['https://fra.example.com:8443', '::ffff:127.0.0.1', false],
    ['http://router.internal:8080', '10.9.9.9', false],
    ['http://router.internal:8080', '192.168.3.4', true],
    ['http://other.internal:8080', '192.168.3.4', false],
  ] as const) {
    const refusal = guard.refusalOf(origin, parseAddress(address)!)
    t.equal(refusal === undefined, allowed, `${origin} at ${address}: ${refusal}`)
  }
  for (const [url, isThisOne] of [
    ['http://127.0.0.1:8081', true],
    ['http://localhost:8081', true],
    ['http://[::ffff:127.0.0.1]:8081', true],
    ['http://0.0.0.0:8080', true],
    ['http://10.9.9.9:8080', true],
    ['http://127.0.0.1', false],
    ['https://fra.example.com:8080', false],
  ] as const) {
    t.equal(guard.partAt(url), isThisOne ? 'this router itself' : undefined, url)
  }
})

t.test('nor is another router of the fleet, on its own machine or on this one', async t => {
  const guard = guardOf(['127.0.0.0/8', '10.0.0.0/8', '*.example.com'], [{ address: '127.0.0.1', port: 8081 }])
  const listeners = [
    { address: '127.0.0.1', port: 7001 },
    { address: '0.0.0.0', port: 7002 },
    { address: '10.2.2.2', port: 7003 },
  ]
  const file = exampleRegion('a', { endpoints: { publicUrl: 'http://other.internal:7002' } })
  guard.trust([file])
  const beside = { id: 'beside', machine: 'here', listeners, addresses: ['127.0.0.1', '10.9.9.9'] }
  const far = { id: 'far', machine: 'there', listeners, addresses: ['127.0.0.1', '10.2.2.2'] }
  for (const [routers, origin, address, router] of [
    [[], 'http://127.0.0.1:7001', '127.0.0.1', undefined],
    [[beside], 'http://127.0.0.1:7001', '127.0.0.1', 'beside'],
    [[beside], 'http://fra.example.com:7001', '::ffff:127.0.0.1', 'beside'],
    [[beside], 'http://127.0.0.2:7001', '127.0.0.2', undefined],
    [[beside], 'http://127.0.0.2:7002', '127.0.0.2', 'beside'],
    [[beside], 'http://fra.example.com:7002', '10.9.9.9', 'beside'],
    [[beside], 'http://10.9.9.8:7002', '10.9.9.8', undefined],
    [[beside], 'http://127.0.0.1:7004', '127.0.0.1', undefined],
    [[far], 'http://127.0.0.1:7001', '127.0.0.1', undefined],
    [[far], 'http://127.0.0.1:7002', '127.0.0.1', undefined],
    [[far], 'http://10.2.2.2:7002', '10.2.2.2', 'far'],
    [[far], 'http://10.2.2.2:7003', '10.2.2.2', 'far'],
    [[far], 'http://fra.example.com:7003', '10.2.2.2', 'far'],
    [[far], 'http://other.internal:7002', '10.2.2.2', 'far'],
    [[far], 'http://10.2.2.2:7001', '10.2.2.2', undefined],
    [[far, beside], 'http://127.0.0.1:7002', '127.0.0.1', 'beside'],
  ] as const) {
    guard.meet(routers)
    const refusal = guard.refusalOf(origin, parseAddress(address)!)
    const expected =
      router &&
      `${parseAddress(address)!.family === 6 ? '127.0.0.1' : address} port ${
        new URL(origin).port
      } is router "${router}" of this fleet`
    t.equal(refusal, expected, `${origin} at ${address}`)
  }
  guard.meet([beside])
  t.equal(guard.partAt('http://localhost:7002'), 'router "beside" of this fleet')
  t.equal(guard.partAt('http://fra.example.com:7002'), undefined, 'a name is looked at when it is looked up')
})

t.test('nor is the Redis of the fleet, whatever name or address of its machine leads there', async t => {
  const guard = guardOf(['127.0.0.0/8', '10.0.0.0/8', '*.example.com'])
  guard.trust([exampleRegion('a', { endpoints: { publicUrl: 'http://db.example.com:6379' } })])
  guard.keepOff([
    { host: 'db.example.com', port: 6379, addresses: [parseAddress('10.2.2.2')!, parseAddress('fd00::2')!] },
    { host: '::ffff:127.0.0.1', port: 6380, addresses: [parseAddress('::ffff:127.0.0.1')!] },
    { host: 'lost.example.com', port: 6381, addresses: [] },
  ])
  for (const [origin, address, allowed] of [
    ['http://10.2.2.2:6379', '10.2.2.2', false],
    ['http://10.2.2.2:6380', '10.2.2.2', true],
    ['http://10.2.2.2', '10.2.2.2', true],
    ['http://fra.example.com:6379', '10.2.2.2', false],
    ['http://fra.example.com:6379', '::ffff:10.2.2.2', false],
    ['http://fra.example.com:6379', 'fd00::2', false],
    ['http://fra.example.com:6379', '10.2.2.3', true],
    ['http://db.example.com:6379', '10.2.2.2', false],
    ['http://db.example.com:6379', '10.2.2.9', false],
    ['http://db.example.com:443', '10.2.2.2', true],
    ['http://lost.example.com:6381', '10.2.2.2', false],
    ['http://127.0.0.1:6380', '127.0.0.1', false],
    ['http://127.0.0.7:6380', '127.0.0.7', false],
    ['http://localhost:6380', '::1', false],
    ['http://10.9.9.9:6380', '10.9.9.9', false],
    ['http://10.9.9.8:6380', '10.9.9.8', true],
    ['http://127.0.0.1:6379', '127.0.0.1', true],
  ] as const) {
    const refusal = guard.refusalOf(origin, parseAddress(address)!)
    t.equal(refusal === undefined, allowed, `${origin} at ${address}: ${refusal}`)
    if (!allowed) t.match(refusal, /port \d+ is the Redis of this fleet$/)
  }
  for (const [url, isRedis] of [
    ['http://10.2.2.2:6379', true],
    ['http://db.example.com:6379', true],
    ['https://DB.example.com:6379', true],
    ['http://localhost:6380', true],
    ['http://0.0.0.0:6380', true],
    ['http://fra.example.com:6379', false],
    ['http://10.2.2.2:80', false],
  ] as const) {
    t.equal(guard.partAt(url), isRedis ? 'the Redis of this fleet' : undefined, url)
  }
})

t.test('a look-up leaves out what may not be connected to', async t => {
  const guard = guardOf(['*.example.com', '10.1.0.0/16'])
  const ask = (lookUp: LookUpAll, all: boolean) =>
    new Promise<unknown[]>(resolve =>
      guardedLookup(name, guard, lookUp)('fra.example.com', { all }, (...answer) => resolve(answer)),
    )
  t.same(await ask(answering('127.0.0.1', '10.1.2.3', '8.8.8.8'), true), [
    null,
    [
      { address: '10.1.2.3', family: 4 },
      { address: '8.8.8.8', family: 4 },
    ],
  ])
  t.same(await ask(answering('::1', '8.8.4.4'), false), [null, '8.8.4.4', 4])
  const [refused] = await ask(answering('127.0.0.1', 'fe80::1%eth0'), true)
  t.match(refused, {
    code: 'ENDPOINT_FORBIDDEN',
    message:
      /^"fra\.example\.com" may not be connected to: 127\.0\.0\.1 is not in a network of control\.allowedEndpoints; fe80::1 is an address where no region can be$/,
  })
  t.match(await ask(answering(), true), [{ message: /it has no address/ }])
  const failing: LookUpAll = (_host, _options, callback) => callback(new Error('no such name'), [])
  t.match(await ask(failing, true), [{ message: 'no such name' }])
})

async function startSecret(t: Test) {
  let asked = 0
  const { url, server } = await startHttpRegion(t, (_request, response) => {
    asked++
    response.end('secret')
  })
  return { port: new URL(url).port, url, asked: () => asked, server }
}

/** What comes of one request through the router's own forwarder: a body, or the failure's message. */
function forward(origin: string, patterns: readonly string[], lookUp: LookUpAll): Promise<string> {
  const forwarder = createUndiciForwarder({ connectMs: 2_000 }, guardConnections(guardOf(patterns), lookUp))
  return new Promise<string>(resolve => {
    const chunks: Uint8Array[] = []
    forwarder.forward(
      { origin, method: 'GET', path: '/', fields: ['host', new URL(origin).host] },
      {
        onInform() {},
        onStart() {},
        onData: chunk => chunks.push(chunk) > 0,
        onEnd: () => resolve(Buffer.concat(chunks).toString()),
        onFailure: ({ kind, error }) => resolve(`${kind}: ${error.message}`),
      },
    )
  }).finally(() => forwarder.close())
}

t.test('neither proxy nor probe connects to what a name should not lead to', async t => {
  const { port, url, asked } = await startSecret(t)
  const inside = answering('127.0.0.1')
  const probe = (origin: string, patterns: readonly string[]) =>
    probeHttp(
      { origin, path: '/', status: 200 },
      2_000,
      realClock,
      new AbortController().signal,
      guardConnections(guardOf(patterns), inside),
    )
  const origin = `http://fra.example.com:${port}`
  t.match(await forward(origin, ['*.example.com'], inside), /^connect: "fra\.example\.com" may not be connected to/)
  t.match(await probe(origin, ['*.example.com']), { ok: false, reason: /may not be connected to: 127\.0\.0\.1/ })
  t.match(
    await forward(url, ['*.example.com'], inside),
    /^connect: "127\.0\.0\.1" may not be connected to/,
    'a literal is not looked up',
  )
  t.match(await probe(url, ['10.0.0.0/8']), { ok: false, reason: /"127\.0\.0\.1" may not be connected to/ })
  t.equal(asked(), 0, 'nobody came')
  t.equal(await forward(origin, ['*.example.com', '127.0.0.0/8'], inside), 'secret')
  t.same(await probe(origin, ['*.example.com', '127.0.0.0/8']), { ok: true })
})

t.test('the address that was checked is the one that is connected to', async t => {
  const { port, asked } = await startSecret(t)
  let lookUps = 0
  // The second answer would lead inside: it must never be asked for.
  const rebinding: LookUpAll = (host, options, callback) => {
    lookUps++
    answering(lookUps === 1 ? '127.0.0.2' : '127.0.0.1')(host, options, callback)
  }
  const outcome = await forward(`http://fra.example.com:${port}`, ['*.example.com', '127.0.0.2/32'], rebinding)
  t.match(outcome, /^connect: /)
  t.equal(lookUps, 1)
  t.equal(asked(), 0)
})

t.test('a redirect of a region leads its client elsewhere, not this router', async t => {
  const secret = await startSecret(t)
  const { url } = await startHttpRegion(t, (_request, response) =>
    response.writeHead(302, { location: secret.url }).end(),
  )
  t.equal(await forward(url, ['127.0.0.0/8'], answering()), '')
  t.equal(secret.asked(), 0)
})
