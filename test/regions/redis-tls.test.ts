/** TLS to a real Redis: whom a router trusts, and whom Redis does. */

import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AllowedEndpoints, parseAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'
import { createRedisStore, type RedisStore } from '../../src/regions/redis-store.ts'
import { makeCertificate } from '../support/certificates.ts'
import { realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startRedis } from '../support/redis-server.ts'

const allowed = parseAllowedEndpoints(['*.example.com']) as { readonly value: AllowedEndpoints }
const [authority, stranger] = [makeCertificate({ name: 'authority' }), makeCertificate({ name: 'stranger' })]
const server = makeCertificate({ name: 'redis', alternatives: ['127.0.0.1'], issuer: authority })
const misplaced = makeCertificate({ name: 'elsewhere', alternatives: ['192.0.2.1'], issuer: authority })
const router = makeCertificate({ name: 'router', issuer: authority })
const impostor = makeCertificate({ name: 'router', issuer: stranger })

/** A Redis that speaks TLS only, and wants certificates of `authority`. Undefined where this one was built without TLS. */
async function startTlsRedis(t: Test, { cert, key }: { readonly cert: string; readonly key: string }) {
  const folder = t.testdir({ 'ca.pem': authority.cert, 'cert.pem': cert, 'key.pem': key })
  const files = ['ca-cert', 'cert', 'key'].flatMap(name => [
    `--tls-${name}-file`,
    join(folder, `${name.replace('-cert', '')}.pem`),
  ])
  try {
    return await startRedis(t, port => ['--port', '0', '--tls-port', `${port}`, ...files])
  } catch (error) {
    if (/Bad directive|missing TLS support|without TLS/i.test(String(error))) return undefined
    throw error
  }
}

function openStore(t: Test, target: RedisTarget): RedisStore {
  const store = createRedisStore({
    target,
    fleet: 'tls',
    keyPrefix: '',
    leaseMs: 600_000,
    clock: realClock,
    random: Math.random,
    allowedEndpoints: allowed.value,
    onWarning: () => {},
  })
  t.teardown(() => store.close())
  return store
}

const ca = authority.cert
const redis = await startTlsRedis(t, server)
const elsewhere = await startTlsRedis(t, misplaced)
const skip = redis === undefined && 'this redis-server was built without TLS'

t.test('routers and Redis know each other by their certificates', { skip }, async t => {
  const store = openStore(t, { ...redis!.target, tls: { ca, cert: router.cert, key: router.key } })
  await store.join()
  const heard = new Promise(resolve => store.watch(resolve))
  await store.register(exampleRegion('a'))
  t.match(await heard, { kind: 'registered', region: 'a' }, 'events come over TLS, too')
  t.match((await store.read()).records, [{ region: { id: 'a' } }])

  for (const [what, tls, reason] of [
    ['another authority', { ca: stranger.cert, cert: router.cert, key: router.key }, /certificate/],
    ["the system's authorities", { cert: router.cert, key: router.key }, /certificate/],
    ['no certificate of its own', { ca }, /certificate required|handshake|closed|reset/i],
    ["a stranger's certificate", { ca, cert: impostor.cert, key: impostor.key }, /unknown ca|handshake|closed|reset/i],
    ['no TLS', undefined, /closed|reset/i],
  ] as const) {
    const refused = openStore(t, { ...redis!.target, tls })
    await t.rejects(refused.join(), { code: 'STORE_UNAVAILABLE', message: reason }, what)
  }
})

t.test('a certificate for another address is not taken', { skip }, async t => {
  const store = openStore(t, { ...elsewhere!.target, tls: { ca, cert: router.cert, key: router.key } })
  await t.rejects(store.join(), { code: 'STORE_UNAVAILABLE', message: /IP: 127\.0\.0\.1 is not in the cert/ })
})
