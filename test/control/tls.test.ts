/** The control API over TLS, with client certificates as an alternative to tokens. */

import { once } from 'node:events'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t from 'tap'
import { Client } from 'undici'
import { makeCertificate } from '../support/certificates.ts'
import { controlWorld, token } from '../support/control.ts'

const ca = makeCertificate({ name: 'The regions' })
const stranger = makeCertificate({ name: 'Somebody else' })
const server = makeCertificate({ name: 'router', alternatives: ['127.0.0.1', 'localhost'], issuer: ca })

t.test('a certificate does what it is configured for, like a token', async t => {
  const access = {
    tokens: [token('ops', ['operator'])],
    certificates: [
      { subject: 'ams.example.com', rights: ['report' as const], regions: ['edge-ams'] },
      { subject: 'console', rights: ['read' as const, 'operator' as const], regions: ['*'] },
    ],
    openReading: false,
  }
  const { app } = await controlWorld({ access, tls: { cert: server.cert, key: server.key, clientCa: ca.cert } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  const byName = makeCertificate({ name: 'console', issuer: ca })
  const byAlternative = makeCertificate({ name: 'whatever', alternatives: ['x.test', 'ams.example.com'], issuer: ca })
  const inAName = makeCertificate({ name: 'x, DNS:ams.example.com', alternatives: ['a.test, DNS:console'], issuer: ca })
  const unknown = makeCertificate({ name: 'nobody', issuer: ca })
  const forged = makeCertificate({ name: 'console', issuer: stranger })
  const selfMade = makeCertificate({ name: 'console' })
  for (const [certificate, method, path, authorization, status, why] of [
    [byName, 'GET', '/v1/regions', undefined, 200, 'read by common name'],
    [byName, 'POST', '/v1/regions/cloud-fra/drain', undefined, 200, 'operator'],
    [byName, 'POST', '/v1/regions/cloud-fra/heartbeat', undefined, 403, 'not report'],
    [
      byAlternative,
      'POST',
      '/v1/regions/edge-ams/heartbeat',
      undefined,
      400,
      'report by an alternative name: only the body is wrong',
    ],
    [byAlternative, 'POST', '/v1/regions/edge-fra/heartbeat', undefined, 403, 'not for another region'],
    [byAlternative, 'GET', '/v1/regions', undefined, 403, 'not read'],
    [inAName, 'GET', '/v1/regions', undefined, 401, 'a name that looks like two is one'],
    [unknown, 'GET', '/v1/regions', undefined, 401, 'signed, but not configured'],
    [forged, 'GET', '/v1/regions', undefined, 401, 'signed by somebody else'],
    [selfMade, 'GET', '/v1/regions', undefined, 401, 'signed by itself'],
    [undefined, 'GET', '/v1/regions', undefined, 401, 'none'],
    [undefined, 'GET', '/v1/audit', 'Bearer ops', 200, 'a token does without'],
    [forged, 'GET', '/v1/audit', 'Bearer ops', 200, 'whatever certificate comes with it'],
    [byName, 'GET', '/v1/audit', 'Bearer nobody', 401, 'a token that is sent is what counts'],
  ] as const) {
    const request = get({
      ...{ host: '127.0.0.1', port, path, method, ca: ca.cert, agent: false },
      ...(certificate && { cert: certificate.cert, key: certificate.key }),
      headers: authorization === undefined ? {} : { authorization },
    })
    const [response] = await once(request, 'response')
    const body = await json(response)
    t.equal(response.statusCode, status, `${why}: ${JSON.stringify(body).slice(0, 200)}`)
  }
  await t.rejects(fetch(`http://127.0.0.1:${port}/healthz`), 'plain HTTP is not spoken')
})

t.test('a certificate that was taken out is refused on the connection that it has opened', async t => {
  const access = { tokens: [], certificates: [{ subject: 'console', rights: ['read' as const], regions: ['*'] }] }
  const { app } = await controlWorld({
    access: { ...access, openReading: false },
    tls: { cert: server.cert, key: server.key, clientCa: ca.cert },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const { cert, key } = makeCertificate({ name: 'console', issuer: ca })
  const client = new Client(`https://127.0.0.1:${port}`, { connect: { ca: ca.cert, cert, key } })
  t.teardown(() => client.destroy())
  let connections = 0
  client.on('connect', () => connections++)
  const ask = async () => {
    const { statusCode, body } = await client.request({ method: 'GET', path: '/v1/regions' })
    await body.dump()
    return statusCode
  }
  t.equal(await ask(), 200)
  app.useAccess({ tokens: [], openReading: false })
  t.equal(await ask(), 401)
  app.useAccess({ ...access, openReading: false })
  t.equal(await ask(), 200)
  t.equal(connections, 1)
})
