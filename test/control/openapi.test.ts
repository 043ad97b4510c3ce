/** The API's document: complete, and true of what the API really answers. */

import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { bearer, controlWorld } from '../support/control.ts'
import { region } from '../support/world.ts'

interface Operation {
  readonly summary?: string
  readonly security?: unknown
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>
}
interface OpenApi {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, object> }
}

async function documented() {
  const world = await controlWorld({
    regions: [region('cloud-fra', 'frankfurt'), region('core-waw', 'warsaw', { tier: 'core' })],
    latency: { record: ({ rttMs }) => (rttMs > 100 ? 'too far' : undefined) },
  })
  await world.app.ready()
  const document: OpenApi = (await world.app.inject('/openapi.json')).json()
  return { ...world, document }
}

t.test('every route is documented', async t => {
  const { app, document } = await documented()
  t.teardown(() => app.close())
  t.equal(document.openapi, '3.1.0')
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  )
  t.same(operations.sort(), [
    'DELETE /v1/regions/{id}',
    'DELETE /v1/tokens/{id}',
    'GET /healthz',
    'GET /metrics',
    'GET /openapi.json',
    'GET /readyz',
    'GET /v1/audit',
    'GET /v1/events',
    'GET /v1/explain',
    'GET /v1/fleet',
    'GET /v1/regions',
    'GET /v1/regions/{id}',
    'GET /v1/route',
    'GET /v1/tokens',
    'POST /v1/fleet/mode',
    'POST /v1/latency',
    'POST /v1/regions/{id}/drain',
    'POST /v1/regions/{id}/heartbeat',
    'POST /v1/regions/{id}/undrain',
    'POST /v1/tokens',
    'PUT /v1/regions/{id}',
  ])
  const tree = app.printRoutes({ commonPrefix: false })
  for (const path of ['healthz', 'metrics', 'openapi.json', 'readyz', 'v1/explain', 'v1/route', 'v1/regions']) {
    t.ok(tree.includes(path), `${path} is served`)
  }
})

t.test('every operation says what it is for and who may use it', async t => {
  const { app, document } = await documented()
  t.teardown(() => app.close())
  const open = ['/healthz', '/readyz', '/openapi.json']
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      t.ok(operation.summary, `${method} ${path} has a summary`)
      t.equal(operation.security === undefined, open.includes(path), `${method} ${path} says whether it needs a token`)
      t.ok(operation.responses['default'], `${method} ${path} tells of problems`)
    }
  }
})

t.test('what has a default need not be sent', async t => {
  const { app, document } = await documented()
  t.teardown(() => app.close())
  const operation = document.paths['/v1/regions/{id}']!['put'] as unknown as {
    requestBody: { content: Record<string, { schema: { required: string[] } }> }
  }
  t.same(operation.requestBody.content['application/json']!.schema.required, [
    'name',
    'tier',
    'coordinates',
    'endpoints',
  ])
  const { parameters } = document.paths['/v1/audit']!['get'] as unknown as {
    parameters: { name: string; required?: boolean }[]
  }
  t.match(parameters, [{ name: 'count' }, { name: 'region' }])
  t.notOk(parameters.some(({ required }) => required))
  t.notOk(JSON.stringify(document).includes('"expected"'), 'no keyword of our own is left in it')
})

t.test('real answers fit their schemas', async t => {
  const { app, document, store, clock, refresh } = await documented()
  t.teardown(() => app.close())
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addSchema({ ...document, $id: 'openapi' })
  const headers = bearer('all-token')
  const body = {
    name: 'A',
    tier: 'cloud',
    coordinates: { latitude: 1, longitude: 1 },
    endpoints: { publicUrl: 'https://a.example.com', probe: {} },
  }
  const covered = new Set<string>()

  const check = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, status: number, payload?: object) => {
    const answer = await app.inject({ method, url: path, headers, ...(payload && { payload }) })
    t.equal(answer.statusCode, status, `${method} ${path}: ${answer.body}`)
    const template = path.split('?')[0]!.replace(/(?<=^\/v1\/(?:regions|tokens)\/)[^/]+/, '{id}')
    const operation = document.paths[template]![method.toLowerCase()]!
    const entry = String(status) in operation.responses ? String(status) : 'default'
    covered.add(`${method} ${template}`)
    const content = operation.responses[entry]!.content
    if (content === undefined) return t.equal(answer.body, '', `${method} ${path} has no body`)
    const mediaType = String(answer.headers['content-type']).split(';')[0]!
    const pointer = [template, method.toLowerCase(), 'responses', entry, 'content', mediaType, 'schema']
    const steps = pointer.map(step => step.replaceAll('~', '~0').replaceAll('/', '~1'))
    const validate = ajv.compile({ $ref: `openapi#/paths/${steps.map(encodeURIComponent).join('/')}` })
    const value = mediaType.endsWith('json') ? answer.json() : answer.body
    t.ok(validate(value), `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}`)
  }

  await check('PUT', '/v1/regions/cloud-a', 201, body)
  await check('PUT', '/v1/regions/cloud-a', 200, body)
  await check('PUT', '/v1/regions/cloud-a', 400, {})
  await check('PUT', '/v1/regions/A', 400, body)
  await check('POST', '/v1/regions/cloud-a/heartbeat', 204, { epoch: 2, sequence: 1, inflight: 1, capacityRequests: 4 })
  await check('POST', '/v1/regions/cloud-a/heartbeat', 409, { epoch: 2, sequence: 1 })
  await check('POST', '/v1/regions/core-waw/drain', 200, { reason: 'test' })
  await check('GET', '/v1/regions', 200)
  await check('GET', '/v1/regions/cloud-a', 200)
  await check('GET', '/v1/regions/core-waw', 200)
  await check('GET', '/v1/regions/nobody', 404)
  const { read } = store
  store.read = () => Promise.reject(new MeridianError('STORE_UNAVAILABLE', 'gone'))
  for (const path of ['/v1/regions', '/v1/regions/cloud-a', '/v1/fleet']) await check('GET', path, 200)
  store.read = read
  for (const ip of ['10.1.0.1', '192.0.2.1', '2001:db8::1']) {
    await check('GET', `/v1/route?ip=${ip}`, 200)
    await check('GET', `/v1/explain?ip=${ip}`, 200)
  }
  await check('GET', '/v1/route?ip=x', 400)
  await check('GET', '/v1/explain?nope=x', 400)
  clock.advance(10_000)
  await refresh()
  await check('GET', '/v1/regions', 200)
  await check('GET', '/v1/explain?ip=10.1.0.1', 200)
  await check('POST', '/v1/regions/core-waw/undrain', 200)
  await check('DELETE', '/v1/regions/cloud-a', 204)
  await check('DELETE', '/v1/regions/cloud-a', 404)
  for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) await check('GET', path, 200)
  await check('GET', '/v1/fleet', 200)
  await check('POST', '/v1/fleet/mode', 200, { mode: 'frozen' })
  await check('POST', '/v1/fleet/mode', 400, { mode: 'thawed' })
  const network = '10.1.0.0/24'
  const samples = [50, 200].map(rttMs => ({ network, region: 'cloud-fra', rttMs }))
  await check('POST', '/v1/latency', 202, { samples })
  await check('POST', '/v1/latency', 400, { samples: [] })
  await check('POST', '/v1/tokens', 201, { name: 'ci', rights: ['read'], regions: ['edge-*'], expiresInSeconds: 60 })
  await check('GET', '/v1/tokens', 200)
  await check('DELETE', '/v1/tokens/nobody', 404)
  await check('GET', '/v1/audit', 200)
  // The stream of events has a test of its own, with a client that reads it.
  covered.add('GET /v1/events')

  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(m => `${m.toUpperCase()} ${path}`),
  )
  t.same([...covered].sort(), all.sort(), 'every operation was tried')
})
