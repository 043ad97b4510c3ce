/** `meridian agent` as a process beside a service, with routers that are processes, too. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { RegionView } from '../../src/control/schemas.ts'
import { makeCertificate } from '../support/certificates.ts'
import { closedPort, startHttpRegion } from '../support/http-region.ts'
import { runMeridian, startMeridianCommand } from '../support/run-meridian.ts'

const token = 'the-token-of-the-tests'
const sha256 = createHash('sha256').update(token).digest('hex')

async function startRouter(t: Test, ...rights: readonly string[]) {
  const list = Object.fromEntries(
    rights.map((right, index) => [`MERIDIAN_CONTROL__TOKENS__0__RIGHTS__${index}`, right]),
  )
  const env = {
    MERIDIAN_HTTP__LISTEN__0__ADDRESS: '127.0.0.1',
    MERIDIAN_HTTP__LISTEN__0__PORT: '0',
    MERIDIAN_CONTROL__LISTEN__PORT: '0',
    MERIDIAN_CONTROL__ALLOWED_ENDPOINTS__0: '127.0.0.0/8',
    MERIDIAN_CONTROL__TOKENS__0__NAME: 'agent',
    MERIDIAN_CONTROL__TOKENS__0__SHA256: sha256,
    MERIDIAN_LEASE__DURATION: '2s',
    MERIDIAN_LOG__LEVEL: 'error',
    ...list,
  }
  const command = startMeridianCommand(['serve'], { env })
  t.teardown(() => command.process.kill('SIGKILL'))
  const [, url] = await command.until('stderr', /its control API on (\S+)\n/)
  /** Asks until the answer is as wanted; undefined: the router knows no such region. */
  const until = async (wanted: (region: RegionView | undefined) => boolean): Promise<RegionView | undefined> => {
    for (;;) {
      const answer = await fetch(`${url}/v1/regions/edge-new`)
      if (!answer.ok && answer.status !== 404) continue
      const body = (await answer.json()) as RegionView
      const region = answer.ok ? body : undefined
      if (wanted(region)) return region
    }
  }
  return { command, url: url!, until }
}

interface Service {
  readonly url: string
  inflight: number
}

/** With a health page, metrics as vLLM has them, and as many requests in flight as the test says. */
async function startService(t: Test): Promise<Service> {
  const service = { url: '', inflight: 2 }
  const { url } = await startHttpRegion(t, (request, response) => {
    if (request.url === '/metrics') response.end(`vllm:num_requests_running{engine="0"} ${service.inflight}\n`)
    else response.writeHead(request.url === '/healthz' ? 200 : 404).end()
  })
  service.url = url
  return service
}

function regionFile(url: string): string {
  return JSON.stringify({
    ...{ id: 'edge-new', name: 'New', tier: 'edge', coordinates: { latitude: 50, longitude: 8 }, capacityRequests: 9 },
    endpoints: { publicUrl: url, probe: { path: '/healthz' } },
  })
}

function startAgent(t: Test, file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const command = startMeridianCommand(['agent', '--region-file', file, ...args], {
    env: { MERIDIAN_TOKEN: token, ...env },
  })
  t.teardown(() => command.process.kill('SIGKILL'))
  return command
}

t.test('registers with the router that lives, reports, drains on SIGTERM and exits with 0', async t => {
  const router = await startRouter(t)
  const service = await startService(t)
  const file = `${t.testdir({ 'region.json': regionFile(service.url) })}/region.json`
  const metrics = ['--metrics', `${service.url}/metrics`, '--metrics-mapping', 'vllm']
  const agent = startAgent(t, file, ['--control', `http://${await closedPort()},${router.url}`, ...metrics])
  const known = await router.until(region => region?.load !== undefined)
  t.match(known, { state: 'up', source: 'registered', load: { inflight: 2, capacityRequests: 9 } })
  t.ok(known!.load!.memory! > 0, 'the machine is looked at, too')

  agent.process.kill('SIGTERM')
  await router.until(region => region?.state === 'draining')
  t.equal(agent.process.exitCode, null, 'waits for what is in flight')
  service.inflight = 0
  const { exitCode, stdout, stderr } = await agent.result
  t.match({ exitCode, stdout }, { exitCode: 0, stdout: '' })
  t.match(stderr, new RegExp(`^meridian: edge-new is registered with ${router.url}/`))
  t.match(
    stderr,
    /SIGTERM, taking the region out of service\n.*no new clients.*\n.*deregistered: nothing is in flight\n$/,
  )
  await router.until(region => region === undefined)
})

t.test('killed, its lease lapses; the next one takes over, and ends the drain that was left behind', async t => {
  const router = await startRouter(t)
  const service = await startService(t)
  const folder = t.testdir({ 'region.json': regionFile(service.url), token: `${token}\n` })
  const args = ['--control', router.url, '--metrics', `${service.url}/metrics`, '--metrics-mapping', 'vllm']
  const first = startAgent(t, `${folder}/region.json`, args)
  await router.until(region => region?.state === 'up')
  first.process.kill('SIGKILL')
  t.match(await router.until(region => region?.state === 'down'), { reason: 'lease' })

  const tokenArgs = ['--token-file', `${folder}/token`]
  const second = startAgent(t, `${folder}/region.json`, [...args, ...tokenArgs], { MERIDIAN_TOKEN: 'of nobody' })
  await router.until(region => region?.state === 'up')
  second.process.kill('SIGTERM')
  await router.until(region => region?.state === 'draining')
  second.process.kill('SIGKILL')
  await second.result

  const third = startAgent(t, `${folder}/region.json`, [...args, '--no-drain'])
  t.match(await router.until(region => region?.state === 'up'), { load: { inflight: 2 } })
  third.process.kill('SIGTERM')
  const { exitCode, stderr } = await third.result
  t.equal(exitCode, 0)
  t.match(stderr, /the region is deregistered\n$/, 'at once, though requests are in flight')
})

t.test('stopped and continued, it comes back with its next heartbeat', async t => {
  const router = await startRouter(t)
  const service = await startService(t)
  const file = `${t.testdir({ 'region.json': regionFile(service.url) })}/region.json`
  const agent = startAgent(t, file, ['--control', router.url])
  const before = await router.until(region => region?.state === 'up')
  agent.process.kill('SIGSTOP')
  await router.until(region => region?.state === 'down')
  agent.process.kill('SIGCONT')
  const after = await router.until(region => region?.state === 'up')
  t.equal(after!.lease!.epoch, before!.lease!.epoch, 'without registering anew')
})

t.test('a router that begins anew gets the region back', async t => {
  const service = await startService(t)
  const file = `${t.testdir({ 'region.json': regionFile(service.url) })}/region.json`
  const [one, other] = await Promise.all([startRouter(t), startRouter(t)])
  const agent = startAgent(t, file, ['--control', `${one.url},${other.url}`])
  await one.until(region => region?.state === 'up')
  one.command.process.kill('SIGKILL')
  await other.until(region => region?.state === 'up' && region.load !== undefined)
  t.match(agent.output.stderr, /registered again/)
})

t.test('a client certificate does instead of a token, and only its own', async t => {
  const ca = makeCertificate({ name: 'The regions' })
  const server = makeCertificate({ name: 'router', alternatives: ['127.0.0.1'], issuer: ca })
  const own = makeCertificate({ name: 'edge-new', issuer: ca })
  const other = makeCertificate({ name: 'edge-other', issuer: ca })
  const service = await startService(t)
  const folder = t.testdir({
    'region.json': regionFile(service.url),
    ...{ 'ca.pem': ca.cert, 'server.pem': server.cert, 'server-key.pem': server.key },
    ...{ 'own.pem': own.cert, 'own-key.pem': own.key, 'other.pem': other.cert, 'other-key.pem': other.key },
    'meridian.yaml': `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  tls: { cert: server.pem, key: server-key.pem, clientCa: ca.pem }
  allowedEndpoints: [127.0.0.0/8]
  certificates:
    - { subject: edge-new, rights: [report, read], regions: [edge-new] }
    - { subject: edge-other, rights: [report], regions: [edge-other] }
`,
  })
  const router = startMeridianCommand(['serve', '--config', `${folder}/meridian.yaml`])
  t.teardown(() => router.process.kill('SIGKILL'))
  const [, url] = await router.until('stderr', /its control API on (\S+)\n/)
  const as = (name: string) => ['--client-cert', `${folder}/${name}.pem`, '--client-key', `${folder}/${name}-key.pem`]
  const trust = ['--ca', `${folder}/ca.pem`]
  const agent = (...args: string[]) =>
    startMeridianCommand(['agent', '--region-file', `${folder}/region.json`, '--control', url!, ...args])

  const good = agent(...trust, ...as('own'), '--no-drain')
  t.teardown(() => good.process.kill('SIGKILL'))
  await good.until('stderr', /edge-new is registered with https:/)
  const shown = await runMeridian(['regions', 'show', 'edge-new', '--json', '--control', url!, ...trust, ...as('own')])
  t.match(JSON.parse(shown.stdout), { id: 'edge-new', source: 'registered' })
  good.process.kill('SIGTERM')
  t.match(await good.result, { exitCode: 0, stderr: /deregistered/ })

  t.match(await agent(...trust, ...as('other')).result, { exitCode: 77, stderr: /is not for region "edge-new"/ })
  t.match(await agent(...trust).result, {
    exitCode: 77,
    stderr: /^meridian: send a token[^\n]*\(here: --token-file or MERIDIAN_TOKEN\)\n$/,
  })
  t.match(await agent(...trust, ...as('none')).result, { exitCode: 66, stderr: /cannot read --client-cert/ })
  const distrustful = agent(...as('own'))
  t.teardown(() => distrustful.process.kill('SIGKILL'))
  await distrustful.until('stderr', /no control API takes reports.*certificate/)
})

t.test('what is wrong is said in one line, or one for each fault', async t => {
  const router = await startRouter(t, 'read')
  const folder = t.testdir({
    'region.json': regionFile('http://127.0.0.1:9'),
    'elsewhere.json': regionFile('https://elsewhere.example.org'),
    'broken.json': '{',
    'mapping.yaml': 'inflght: { gauge: a }',
  })
  const good = ['--region-file', `${folder}/region.json`, '--no-check']
  for (const [args, exitCode, message] of [
    [[], 64, /required option '--region-file/],
    [['--region-file', `${folder}/none.json`], 66, /cannot read the region file .*none\.json: no such file/],
    [['--region-file', `${folder}/broken.json`], 65, /broken\.json: not JSON: line 1/],
    [[...good, '--control', 'localhost:8081'], 78, /control\[0\]: expected a URL/],
    [[...good, '--heartbeat', '2', '--drain-limit', 'x'], 64, /--heartbeat: .*\n.*--drain-limit: /],
    [[...good, '--check-status', '999'], 64, /Expected an HTTP status/],
    [[...good, '--check-status', '204'], 64, /--check-status needs --check/],
    [[...good, '--token-file', `${folder}/none`], 66, /cannot read the token/],
    [[...good, '--metrics', 'http://a', '--metrics-mapping', `${folder}/mapping.yaml`], 78, /did you mean inflight/],
    [[...good, '--metrics', 'http://a', '--metrics-mapping', 'vlm'], 66, /ready ones are generic, vllm/],
    [[...good, '--control', router.url], 77, /TOKEN|right "report"/],
  ] as const) {
    const result = await runMeridian(['agent', ...args], { env: { MERIDIAN_TOKEN: token } })
    t.equal(result.exitCode, exitCode, args.join(' '))
    t.match(result.stderr, message)
    t.notMatch(result.stderr, /\n +at |the-token/)
  }
})

t.test('the package offers the library', async t => {
  const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const source = exports['./agent'].default.replace('./dist/', '../../src/').replace(/js$/, 'ts')
  t.type((await import(source)).startAgent, 'function')
})

t.test('a program that only has an agent in it ends by itself', async t => {
  const folder = t.testdir({})
  const library = new URL('../../src/agent/agent.ts', import.meta.url).href
  await writeFile(
    `${folder}/service.mjs`,
    `import { startAgent } from '${library}'
     const region = { ...${regionFile('http://127.0.0.1:9')}, endpoints: { publicUrl: 'http://127.0.0.1:9' } }
     startAgent({ region, control: 'http://${await closedPort()}' })`,
  )
  const { spawn } = await import('node:child_process')
  const child = spawn(process.execPath, [`${folder}/service.mjs`])
  t.teardown(() => child.kill('SIGKILL'))
  const exitCode = await new Promise(resolve => child.once('exit', resolve))
  t.equal(exitCode, 0)
})
