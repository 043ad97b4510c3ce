import t from 'tap'
import { mostRegions } from '../../src/regions/fleet-size.ts'
import { bearer, type ControlWorld, controlWorld } from '../support/control.ts'
import { region } from '../support/world.ts'

const spec = {
  name: 'Amsterdam',
  tier: 'edge',
  coordinates: { latitude: 52.37, longitude: 4.9 },
  endpoints: { publicUrl: 'https://ams.example.com' },
}
const any = bearer('all-token')

function put({ app }: ControlWorld, id: string, body: unknown) {
  return app.inject({ method: 'PUT', url: `/v1/regions/${id}`, headers: any, payload: body as object })
}

function post({ app }: ControlWorld, path: string, body?: object) {
  return app.inject({ method: 'POST', url: `/v1/regions/${path}`, headers: any, ...(body && { payload: body }) })
}

t.test('a region registers, sends heartbeats, is drained and undrained, and is removed', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  const see = async () => (await world.app.inject('/v1/regions/edge-ams')).json()

  const registered = await put(world, 'edge-ams', spec)
  t.equal(registered.statusCode, 201)
  t.match(registered.json(), { region: { id: 'edge-ams', weight: 1 }, epoch: 1, leaseMs: 10_000 })
  t.match(await see(), { state: 'up', source: 'registered', lease: { epoch: 1, expiresInMs: 10_000 } })

  const again = await put(world, 'edge-ams', { ...spec, id: 'edge-ams' })
  t.equal(again.statusCode, 200, 'known already')
  t.equal(again.json().epoch, 2)

  world.clock.advance(4000)
  const heartbeat = await post(world, 'edge-ams/heartbeat', { epoch: 2, sequence: 1, inflight: 3, cpu: 0.5 })
  t.equal(heartbeat.statusCode, 204)
  t.equal(heartbeat.body, '')
  world.clock.advance(1000)
  t.match(await see(), { load: { inflight: 3, cpu: 0.5, ageMs: 1000 }, lease: { expiresInMs: 9000 } })

  const drained = await post(world, 'edge-ams/drain', { reason: 'new kernel' })
  t.equal(drained.statusCode, 200)
  t.match(drained.json(), {
    state: 'draining',
    reason: 'operator',
    drain: { by: 'all-token', reason: 'new kernel', ageMs: 0 },
  })
  const undrained = await post(world, 'edge-ams/undrain')
  t.equal(undrained.json().state, 'up')
  t.notOk('drain' in undrained.json())

  world.clock.advance(10_000)
  await world.refresh()
  t.match(await see(), { state: 'down', reason: 'lease' })

  const removed = await world.app.inject({ method: 'DELETE', url: '/v1/regions/edge-ams', headers: any })
  t.equal(removed.statusCode, 204)
  t.equal((await world.app.inject('/v1/regions/edge-ams')).statusCode, 404)
})

t.test('a write is in effect when it is answered', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  const region = async () => (await world.app.inject('/v1/route?ip=10.1.0.1')).json().region
  t.equal(await region(), 'cloud-fra')
  await put(world, 'edge-ams', spec)
  t.equal(await region(), 'edge-ams')
  await post(world, 'edge-ams/drain')
  t.equal(await region(), 'cloud-fra')
  await post(world, 'edge-ams/undrain')
  t.equal(await region(), 'edge-ams')
})

t.test('the list has every region, ordered by id', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  await put(world, 'cloud-ams', spec)
  const { regions } = (await world.app.inject('/v1/regions')).json()
  t.same(
    regions.map(({ id }: { id: string }) => id),
    ['cloud-ams', 'cloud-fra', 'cloud-nrt', 'core-waw'],
  )
  t.match(regions[1], {
    name: 'cloud-fra',
    tier: 'cloud',
    coordinates: { latitude: 50, longitude: 9 },
    state: 'up',
    source: 'file',
    capacityRequests: 400,
  })
})

t.test('what the store knows but no snapshot yet is shown as not in use', async t => {
  const world = await controlWorld({ refresh: async () => {} })
  t.teardown(() => world.app.close())
  await put(world, 'edge-ams', spec)
  t.match((await world.app.inject('/v1/regions/edge-ams')).json(), { state: 'down', detail: /not in the snapshot yet/ })
})

t.test('a wrong region is refused with every fault, and nothing is registered', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  for (const [body, status, code, faults] of [
    [
      { ...spec, coordinates: { latitude: 91, longitude: 0 } },
      400,
      'REGION_INVALID',
      [/^coordinates\.latitude: expected at most 90, not 91$/],
    ],
    [
      { name: 'x' },
      400,
      'REGION_INVALID',
      [/^tier: is missing$/, /^coordinates: is missing$/, /^endpoints: is missing$/],
    ],
    [{ ...spec, id: 'edge-fra' }, 400, 'REGION_INVALID', undefined],
    [{ ...spec, tear: 'edge' }, 400, 'REGION_INVALID', [/^tear: unknown key \(did you mean tier\?\)$/]],
    [
      { ...spec, endpoints: { publicUrl: 'https://ams.example.com/path' } },
      400,
      'REGION_INVALID',
      [/^endpoints\.publicUrl: .*"https:\/\/ams\.example\.com"$/],
    ],
    [
      { ...spec, endpoints: { publicUrl: 'https://evil.test' } },
      403,
      'ENDPOINT_FORBIDDEN',
      [/"evil\.test" is not among the allowed endpoints/],
    ],
    [
      { ...spec, endpoints: { publicUrl: 'https://ams.example.com', originUrl: 'http://169.254.169.254' } },
      403,
      'ENDPOINT_FORBIDDEN',
      [/^endpoints\.originUrl/],
    ],
    [[spec], 400, 'REGION_INVALID', [/expected a mapping/]],
    ['"text"', 400, 'REGION_INVALID', [/expected a mapping, not "text"/]],
  ] as const) {
    const answer = await world.app.inject({
      method: 'PUT',
      url: '/v1/regions/edge-ams',
      headers: { ...any, 'content-type': 'application/json' },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
    t.equal(answer.statusCode, status, answer.body)
    t.match(answer.json(), { code, ...(faults && { faults }) })
  }
  t.match(
    (await put(world, 'edge-ams', { ...spec, id: 'edge-fra' })).json().detail,
    /expected "edge-ams" as in the path/,
  )
  t.equal((await world.app.inject('/v1/regions/edge-ams')).statusCode, 404)
})

t.test('an id that is none is named in the answer', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  for (const [id, named] of [
    ['%2e%2e%2fpasswd', '../passwd'],
    ['..%2fpasswd', '../passwd'],
    ['a%0Ab', 'a\\nb'],
    ['Edge-Ams', 'Edge-Ams'],
    ['-a', '-a'],
    ['a%00', 'a\\u0000'],
    ['a'.repeat(64), 'a'.repeat(64)],
    ['a%20b', 'a b'],
  ] as const) {
    for (const [method, suffix] of [
      ['PUT', ''],
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/heartbeat'],
      ['POST', '/drain'],
    ] as const) {
      const payload = method === 'PUT' ? { payload: spec } : {}
      const answer = await world.app.inject({ method, url: `/v1/regions/${id}${suffix}`, headers: any, ...payload })
      t.equal(answer.statusCode, 400, `${method} ${id}`)
      t.match(answer.json(), { code: 'REQUEST_INVALID' })
      t.ok(answer.json().detail.includes(`"${named}"`), answer.json().detail)
    }
  }
})

t.test('a heartbeat that is wrong, late or from nobody is refused', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  await put(world, 'edge-ams', spec)
  t.equal((await post(world, 'edge-ams/heartbeat', { epoch: 1, sequence: 5 })).statusCode, 204)
  for (const [id, body, status, code] of [
    ['edge-ams', { epoch: 1, sequence: 5 }, 409, 'REPORT_OUTDATED'],
    ['edge-ams', { epoch: 0, sequence: 6 }, 409, 'REPORT_OUTDATED'],
    ['edge-ams', { epoch: 1, sequence: 6, cpu: 61 }, 400, 'REPORT_INVALID'],
    ['edge-ams', { epoch: 1, sequence: 6, cpus: 1 }, 400, 'REPORT_INVALID'],
    ['edge-ams', {}, 400, 'REPORT_INVALID'],
    ['edge-ams', undefined, 400, 'REPORT_INVALID'],
    ['nobody', { epoch: 1, sequence: 1 }, 404, 'REGION_UNKNOWN'],
    ['cloud-fra', { epoch: 1, sequence: 1 }, 404, 'REGION_UNKNOWN'],
  ] as const) {
    const answer = await post(world, `${id}/heartbeat`, body)
    t.equal(answer.statusCode, status, answer.body)
    t.equal(answer.json().code, code)
  }
  t.equal(
    (await post(world, 'edge-ams/heartbeat', { epoch: 1, sequence: 6 })).statusCode,
    204,
    'and the next one counts',
  )
})

t.test('what cannot be drained or removed says why', async t => {
  const world = await controlWorld()
  t.teardown(() => world.app.close())
  for (const [method, path, body, status, code] of [
    ['POST', 'nobody/drain', undefined, 404, 'REGION_UNKNOWN'],
    ['POST', 'nobody/undrain', undefined, 404, 'REGION_UNKNOWN'],
    ['DELETE', 'nobody', undefined, 404, 'REGION_UNKNOWN'],
    ['DELETE', 'cloud-fra', undefined, 400, 'REGION_INVALID'],
    ['POST', 'cloud-fra/drain', { why: 'x' }, 400, 'REQUEST_INVALID'],
    ['POST', 'cloud-fra/drain', { reason: 'x'.repeat(501) }, 400, 'REQUEST_INVALID'],
  ] as const) {
    const payload = body === undefined ? {} : { payload: body }
    const answer = await world.app.inject({ method, url: `/v1/regions/${path}`, headers: any, ...payload })
    t.equal(answer.statusCode, status, answer.body)
    t.equal(answer.json().code, code)
  }
})

t.test('a fleet has room for so many regions and no more', async t => {
  const declared = Array.from({ length: mostRegions - 1 }, (_, i) => region(`r${i}`, 'frankfurt'))
  const world = await controlWorld({ regions: declared })
  t.teardown(() => world.app.close())
  t.equal((await put(world, 'last', spec)).statusCode, 201)
  const refused = await put(world, 'one-more', spec)
  t.match(refused.json(), {
    ...{ status: 507, code: 'FLEET_FULL' },
    detail: /^region "one-more" would be one more than the 10000 of a fleet: remove regions/,
  })
  t.equal((await world.app.inject('/v1/regions/one-more')).statusCode, 404)
  t.equal((await put(world, 'last', { ...spec, weight: 2 })).statusCode, 200, 'those that are there may change')
  t.equal((await put(world, 'r0', spec)).statusCode, 200, 'and register, where a file has them')
  await world.app.inject({ method: 'DELETE', url: '/v1/regions/last', headers: any })
  t.equal((await put(world, 'one-more', spec)).statusCode, 201)
})
