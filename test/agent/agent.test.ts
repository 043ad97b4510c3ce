/** The agent against a real control API over real sockets: coming, staying, losing and finding routers, and leaving. */

import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { type AgentEvent, type AgentOptions, type Load, startAgent } from '../../src/agent/agent.ts'
import type { Fetch } from '../../src/agent/bounded-fetch.ts'
import { leavingReason } from '../../src/agent/region-session.ts'
import { machine } from '../../src/agent/surroundings.ts'
import type { Clock } from '../../src/clock.ts'
import type { FleetRecord } from '../../src/regions/store.ts'
import { createFakeClock, realClock } from '../support/clocks.ts'
import { type ControlWorld, controlWorld, tokens } from '../support/control.ts'
import { exampleRegion } from '../support/example-region.ts'
import { closedPort, startHttpRegion } from '../support/http-region.ts'
import { createRecorder } from '../support/recorder.ts'

const id = 'edge-new'
const region = exampleRegion(id, { capacityRequests: 40 })
/** Heartbeats as often as the machine can, and a clock that waits for them. */
const around = { ...machine, clock: realClock }

async function listen(t: Test, { app }: ControlWorld): Promise<string> {
  t.teardown(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

/** A control API that listens, what its store has heard, and how to start agents for it. */
async function world(t: Test, options: Parameters<typeof controlWorld>[0] = {}) {
  const control = await controlWorld({ regions: [], ...options })
  const heard = createRecorder<string>()
  t.teardown(control.store.watch(event => 'region' in event && heard.note(event.kind)))
  const url = await listen(t, control)
  const record = async (): Promise<FleetRecord | undefined> =>
    (await control.store.read()).records.find(candidate => candidate.region.id === id)
  const start = (changes: Partial<AgentOptions> = {}, surroundings = around) => {
    const events = createRecorder<AgentEvent>()
    const basics = { region, control: url, token: 'all-token', heartbeatMs: 10, host: false, drainLimitMs: 0 } as const
    const agent = startAgent({ ...basics, onEvent: events.note, ...changes }, surroundings)
    t.teardown(() => agent.stop())
    const kinds = () => events.seen.map(({ kind }) => kind)
    const until = (kind: AgentEvent['kind']) => events.until(seen => seen.some(event => event.kind === kind))
    return { agent, events, kinds, until }
  }
  const countOf = (kind: string) => heard.seen.filter(seen => seen === kind).length
  const untilHeard = (kind: string, more = 1) => {
    const before = countOf(kind)
    return heard.until(() => countOf(kind) >= before + more)
  }
  return { ...control, url, heard, record, start, untilHeard, countOf }
}

t.test('registers, reports, and withdraws the registration when it is stopped', async t => {
  const { start, record, untilHeard, heard } = await world(t)
  const { agent, kinds } = start({ load: () => ({ inflight: 3, cpu: 0.5 }) })
  await agent.registered
  await untilHeard('reported', 3)
  const { region: known, load } = (await record())!
  t.same(known, region)
  t.match(load, { inflight: 3, cpu: 0.5, capacityRequests: 40 })
  t.ok(load!.sequence >= 3)
  t.equal(agent.stop(), agent.stop(), 'stopping twice is stopping once')
  await agent.stop()
  t.equal(await record(), undefined)
  const after = heard.seen.length
  t.same(kinds(), ['registered', 'left'])
  t.equal(heard.seen[after - 1], 'removed', 'and nothing more is said')
})

t.test('drains first, reports while it waits, and leaves when nothing is in flight', async t => {
  const { start, record, untilHeard, heard } = await world(t)
  let inflight = 2
  const { agent, events } = start({ load: () => ({ inflight }), drainLimitMs: 60_000 })
  await agent.registered
  const drained = untilHeard('draining')
  const stopped = agent.stop()
  await drained
  t.match((await record())!.drain, { by: 'all-token', reason: leavingReason })
  await untilHeard('reported', 4)
  t.match(await record(), { drain: {}, load: { inflight: 2 } }, 'still there after a while')
  inflight = 0
  await stopped
  t.equal(await record(), undefined)
  t.match(events.seen.at(-1), { kind: 'left', message: 'the region is deregistered: nothing is in flight' })
  t.same([...new Set(heard.seen)], ['registered', 'reported', 'draining', 'removed'])
})

t.test('does not wait forever for what never ends, or for what nobody knows', async t => {
  for (const [load, left] of [
    [{ inflight: 7 }, /after 0.05 s, with 7 requests in flight/],
    [{ inflight: 0, queueDepth: 1 }, /after 0.05 s/],
    [{}, /after 0.05 s, with an unknown number of requests in flight/],
  ] as const) {
    const { start, record } = await world(t)
    const { agent, events } = start({ load: () => load, drainLimitMs: 50 })
    await agent.registered
    await agent.stop()
    t.equal(await record(), undefined)
    t.match(events.seen.at(-1)!.message, left)
  }
})

t.test('without the right to drain it goes all the same', async t => {
  const refused = () => Response.json({ code: 'TOKEN_REFUSED', detail: 'not you' }, { status: 403 })
  for (const [why, refuses, wait, stays] of [
    [
      'deregisters first, then waits',
      (call: string) => call.startsWith('POST drain'),
      /not you: deregistered at once/,
      false,
    ],
    ['falls silent', (call: string) => /^(?:POST drain|DELETE)/.test(call), /not you: its lease lapses/, true],
  ] as const) {
    const { start, record } = await world(t)
    const fetch: Fetch = async (url, init) => {
      const call = `${init!.method} ${String(url).split('/').at(-1)}`
      return refuses(call) ? refused() : machine.fetch(url, init)
    }
    const { agent, events } = start({ drainLimitMs: 50 }, { ...around, fetch })
    await agent.registered
    await agent.stop()
    t.match(events.seen.slice(1), [{ kind: 'draining', message: wait }, { kind: 'left' }], why)
    t.equal((await record()) !== undefined, stays)
    if (stays) t.match(events.seen.at(-1)!.message, /could not be deregistered \(not you\): its lease lapses/)
  }
})

t.test("an operator's drain survives an agent that comes and goes", async t => {
  for (const [token, drainLimitMs] of [
    ['all-token', 60_000],
    ['all-token', 0],
    ['report-token', 60_000],
    ['report-token', 0],
  ] as const) {
    const { start, store, record, countOf } = await world(t)
    const { agent, events } = start({ token, drainLimitMs, load: () => ({ inflight: 0 }) })
    await agent.registered
    await store.drain(id, 'ops', 'new disks')
    await agent.stop()
    t.match((await record())!.drain, { by: 'ops', reason: 'new disks' }, `${token}, ${drainLimitMs}`)
    t.match(events.seen.at(-1)!.message, /^the region stays known and drained by ops/)
    t.equal(countOf('draining'), 1)
  }
})

t.test('a token for reports alone is enough to drain and to leave', async t => {
  const { start, record, heard } = await world(t, { access: { tokens, openReading: false } })
  const { agent } = start({ token: 'report-token', drainLimitMs: 60_000, load: () => ({ inflight: 0 }) })
  await agent.registered
  await agent.stop()
  t.equal(await record(), undefined)
  t.same([...new Set(heard.seen)], ['registered', 'reported', 'draining', 'removed'])
})

t.test('a drain that could not be announced is announced when a router is back', async t => {
  const { start, record, untilHeard } = await world(t)
  let cut = true
  let inflight = 1
  const fetch: Fetch = (url, init) =>
    cut && String(url).endsWith('/drain') ? Promise.reject(new Error('cut')) : machine.fetch(url, init)
  const { agent, kinds } = start({ load: () => ({ inflight }), drainLimitMs: 60_000 }, { ...around, fetch })
  await agent.registered
  const stopped = agent.stop()
  await untilHeard('reported', 2)
  cut = false
  await untilHeard('draining')
  inflight = 0
  await stopped
  t.equal(await record(), undefined)
  t.same(kinds(), ['registered', 'draining', 'left'])
})

t.test('what the API has lost is registered again at once', async t => {
  const { start, store, record, untilHeard } = await world(t)
  const { agent, kinds } = start()
  await agent.registered
  const first = (await record())!.lease!.epoch
  await store.remove(id)
  await untilHeard('registered')
  await untilHeard('reported')
  t.ok((await record())!.lease!.epoch > first)
  await store.register(region)
  await untilHeard('reported', 3)
  t.ok((await record())!.load !== undefined, 'after somebody else has registered the region: reports again')
  t.same(kinds(), ['registered', 'forgotten', 'registered', 'forgotten', 'registered'])
})

t.test('another agent for the same region is told of once, and not at every heartbeat', async t => {
  const { start, untilHeard } = await world(t)
  const one = start()
  await one.agent.registered
  const other = start()
  await Promise.all([one.until('contested'), other.until('contested')])
  await untilHeard('reported', 20)
  for (const { kinds, events } of [one, other]) {
    t.equal(kinds().filter(kind => kind === 'contested').length, 1)
    t.ok(kinds().filter(kind => kind === 'forgotten').length <= 3, kinds().join(' '))
    const [contested] = events.seen.filter(({ kind }) => kind === 'contested')
    t.match(contested!.message, `another agent speaks for ${id}, too`)
  }
})

t.test('speaks to the first router that answers, and goes on to the next', async t => {
  const one = await world(t)
  const other = await controlWorld({ regions: [], store: one.store })
  const otherUrl = await listen(t, other)
  const { agent, events, kinds } = one.start({ control: [`http://${await closedPort()}`, otherUrl, one.url] })
  await agent.registered
  t.match(events.seen[0], { kind: 'registered', message: new RegExp(`${id} is registered with ${otherUrl}/`) })
  await other.app.close()
  await one.untilHeard('reported', 3)
  t.same(kinds(), ['registered'], 'nothing was lost')
})

t.test('keeps trying while no router answers, and says so once', async t => {
  const { start, untilHeard } = await world(t)
  let away = true
  const tries = createRecorder<number>()
  const fetch: Fetch = (url, init) => {
    tries.note(1)
    return away ? Promise.reject(new Error('cut')) : machine.fetch(url, init)
  }
  const { agent, events, kinds, until } = start({}, { ...around, fetch })
  await tries.until(({ length }) => length >= 4)
  t.match(events.seen, [{ kind: 'control-lost', message: /cut/ }])
  away = false
  await agent.registered
  await untilHeard('reported', 2)
  await until('control-back')
  t.same(kinds(), ['control-lost', 'registered', 'control-back'])
})

t.test('a refusal ends an agent that has just begun, and not one that was welcome before', async t => {
  const { start, untilHeard, heard } = await world(t)
  for (const [changes, code] of [
    [{ token: 'read-token' }, 'TOKEN_REFUSED'],
    [{ token: 'nobody' }, 'TOKEN_UNKNOWN'],
    [{ region: exampleRegion(id, { endpoints: { publicUrl: 'https://elsewhere.org' } }) }, 'ENDPOINT_FORBIDDEN'],
  ] as const) {
    const { agent, kinds } = start(changes)
    await t.rejects(agent.registered, { code })
    await agent.stop()
    t.same(kinds(), ['refused', 'left'])
  }
  t.same(heard.seen, [])
  let token = 'all-token'
  const { agent, until, kinds } = start({ token: () => token })
  await agent.registered
  token = 'nobody'
  await until('control-refused')
  token = 'all-token'
  await until('control-back')
  await untilHeard('reported')
  t.same(kinds(), ['registered', 'control-refused', 'control-back'])
})

t.test('says nothing while the service fails its check: the lease speaks', async t => {
  const { start, countOf, heard, untilHeard } = await world(t)
  let answer: RequestListener = (_request, response) => void response.writeHead(500).end()
  const checks = createRecorder<string>()
  const { url } = await startHttpRegion(t, (request, response) => {
    checks.note(request.url!)
    answer(request, response)
  })
  const { agent, events, until, kinds } = start({ check: { url: `${url}/healthz`, status: 204 } })
  await checks.until(({ length }) => length >= 3)
  t.same(heard.seen, [], 'a service that never was well is not registered')
  t.match(events.seen, [{ kind: 'service-failing', message: /\/healthz failed \(answered 500 instead of 204\)/ }])
  answer = (_request, response) => void response.writeHead(204).end()
  await agent.registered
  await untilHeard('reported', 2)

  answer = (_request, response) => void response.destroy()
  await events.until(seen => seen.filter(({ kind }) => kind === 'service-failing').length === 2)
  const before = countOf('reported')
  const checked = checks.seen.length
  await checks.until(({ length }) => length >= checked + 4)
  t.equal(countOf('reported'), before)
  answer = (_request, response) => void response.writeHead(204).end()
  await untilHeard('reported')
  t.same(kinds(), ['service-failing', 'service-well', 'registered', 'service-failing', 'service-well'])
  await until('service-well')
})

t.test('what cannot wait for the next heartbeat is said at once', async t => {
  const { start, record, countOf } = await world(t)
  let load: Load = { capacityRequests: 40, queueDepth: 0 }
  let status = 500
  const { url } = await startHttpRegion(t, (_request, response) => void response.writeHead(status).end())
  const fake = createFakeClock()
  const delays = createRecorder<number>()
  const clock: Clock = {
    now: fake.now,
    after(delayMs, callback) {
      delays.note(delayMs)
      return fake.after(delayMs, callback)
    },
  }
  // A third of the lease between heartbeats, and a quarter of that between looks.
  const glanceMs = 10_000 / 3 / 4
  let glances = 0
  const untilQuiet = () => delays.until(seen => seen.filter(ms => ms === glanceMs).length > glances)
  const look = async () => {
    await untilQuiet()
    glances++
    fake.advance(glanceMs)
    await untilQuiet()
  }
  const { agent } = start(
    { heartbeatMs: 60_000, load: () => load, check: { url } },
    { ...around, clock, random: () => 0.5 },
  )
  await look()
  t.equal(await record(), undefined, 'a service that is not well is not registered')
  status = 200
  await look()
  await agent.registered
  t.equal(countOf('reported'), 1, 'once it is well it is, at once')
  for (const [next, nextStatus, isSaid, why] of [
    [load, 200, false, 'nothing is new'],
    [{ capacityRequests: 35, queueDepth: 0 }, 200, true, 'more than a tenth less'],
    [{ capacityRequests: 38, queueDepth: 0 }, 200, false, 'less than a tenth more'],
    [{ capacityRequests: 38, queueDepth: 3 }, 200, true, 'it begins to queue'],
    [{ capacityRequests: 38, queueDepth: 30 }, 200, false, 'it queues more'],
    [{ capacityRequests: 100, queueDepth: 30 }, 200, true, 'much more'],
    [{ capacityRequests: 10, queueDepth: 30 }, 500, false, 'of a service that is not well nothing is said'],
  ] as const) {
    load = next
    status = nextStatus
    const before = countOf('reported')
    await look()
    t.equal(countOf('reported') - before, isSaid ? 1 : 0, why)
    if (isSaid) t.match((await record())!.load, next)
  }
})

t.test('the probe of the region is its check where nothing else is said', async t => {
  const { start, untilHeard } = await world(t)
  const asked = createRecorder<string>()
  const { url } = await startHttpRegion(t, (request, response) => {
    asked.note(`${request.url} ${request.headers.connection}`)
    response.writeHead(200).end('x'.repeat(1e6))
  })
  const probed = { ...region, endpoints: { publicUrl: url, probe: { path: '/ready', status: 200 } } }
  const { agent } = start({ region: probed })
  await agent.registered
  t.equal(asked.seen[0], '/ready close', 'on a connection of its own')
  await agent.stop()
  const checks = asked.seen.length
  const { agent: unchecked } = start({ region: probed, check: false })
  await unchecked.registered
  await untilHeard('reported', 2)
  t.equal(asked.seen.length, checks, 'and nobody asks where it is not to be checked')
})

t.test('metrics become the report; broken ones cost no heartbeat', async t => {
  const { start, record, untilHeard } = await world(t)
  let page = 'vllm:num_requests_running 5\nvllm:num_requests_waiting 2\nvllm:kv_cache_usage_perc 0.5\n'
  const { url } = await startHttpRegion(t, (_request, response) => void response.end(page))
  const { agent, events, until } = start({ metrics: { url, mapping: 'vllm' }, load: () => ({ queueDepth: 9 }) })
  await agent.registered
  await untilHeard('reported')
  t.match((await record())!.load, { inflight: 5, queueDepth: 9, kvCache: 0.5, capacityRequests: 40 })
  page = '<html>'
  await until('load-failing')
  t.match(events.seen.at(-1)!.message, /line 1: the text ends/)
  await untilHeard('reported', 2)
  const { load } = (await record())!
  t.same([load!.inflight, load!.queueDepth], [undefined, 9])
  page = 'vllm:num_requests_running 1\n'
  await until('load-well')
})

t.test('a service that cannot tell its load is heard of once', async t => {
  const { start, untilHeard } = await world(t)
  const { until, kinds } = start({
    load: () => {
      throw new Error('no idea')
    },
  })
  await until('load-failing')
  await untilHeard('reported', 3)
  t.same(kinds(), ['load-failing', 'registered'])
})

t.test('an agent ends the drain of the one before it, never that of an operator', async t => {
  const { start, store, record, untilHeard } = await world(t)
  await store.register(region)
  await store.drain(id, 'all-token', leavingReason)
  const { agent } = start()
  await untilHeard('undrained')
  t.equal((await record())!.drain, undefined)
  await agent.stop()
  await store.register(region)
  await store.drain(id, 'ops', 'new disks')
  const { until, events } = start()
  await until('drained')
  t.match(events.seen.at(-1)!.message, /drained by ops and gets no clients until "meridian regions undrain edge-new"/)
  await untilHeard('reported')
  t.match((await record())!.drain, { by: 'ops' })
})

t.test('an agent that was replaced leaves the region to the one that came', async t => {
  const { start, store, record } = await world(t)
  const { agent, kinds } = start({ heartbeatMs: 60_000, drainLimitMs: 60_000 })
  await agent.registered
  const { epoch } = await store.register(region)
  await agent.stop()
  t.match(await record(), { lease: { epoch } })
  t.equal((await record())!.drain, undefined)
  t.same(kinds(), ['registered', 'superseded'])
})

t.test('stopped before it was registered, it has nothing to withdraw', async t => {
  const { start } = await world(t)
  const { agent, kinds } = start({ control: `http://${await closedPort()}`, drainLimitMs: 60_000 })
  await agent.stop()
  await t.rejects(agent.registered, { message: /stopped before it had registered/ })
  t.equal(kinds().at(-1), 'left')
})

t.test('options are checked at once, all of them, without showing the token', async t => {
  const options: AgentOptions = {
    region: { ...region, id: 'No' },
    control: ['ftp://a', 'http://b'],
    token: 'secret\n',
    heartbeatMs: 0,
    drainLimitMs: -1,
    check: { url: 'x' },
    metrics: { url: 'y', mapping: { cpu: { value: 1 }, color: {} } as object },
  }
  const error = t.throws(() => startAgent(options), { code: 'CONFIG_INVALID' }) as unknown as { faults: string[] }
  for (const part of [
    ...[
      'region.id',
      'control[0]',
      'token',
      'heartbeatMs',
      'drainLimitMs',
      'check.url',
      'metrics.url',
      'metrics.mapping',
    ],
  ]) {
    t.ok(
      error.faults.some(fault => fault.startsWith(`${part}: `)),
      part,
    )
  }
  t.equal(error.faults.length, 8)
  t.notMatch(error.faults.join(), 'secret')
  t.throws(() => startAgent({ region, control: [] }), { message: /at least one control API/ })
})
