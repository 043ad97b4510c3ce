/** The demo as its user sees it: the commands that it prints are run as they are printed. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { type RunningCommand, runMeridian, startMeridianCommand } from '../support/run-meridian.ts'

const shell = promisify(execFile)

/** Asks again until the answer is as wanted: for what the demo does by itself, in its own time. */
async function eventually(ask: () => Promise<string>, wanted: RegExp): Promise<string> {
  for (;;) {
    const answer = await ask()
    if (wanted.test(answer)) return answer
  }
}

/** All on free ports, so that the test meets nobody else. */
const freePorts = ['--http-port', '0', '--control-port', '0', '--region-ports', '0']

function start(t: Test, args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCommand {
  const command = startMeridianCommand(['demo', ...args], { env })
  t.teardown(() => command.process.kill('SIGKILL'))
  return command
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('the example fleet: started, asked, a region killed, stopped', async t => {
  const demo = start(t, freePorts)
  await demo.until('stdout', /Ctrl-C stops/)
  const screen = demo.output.stdout
  const pids = [...screen.matchAll(/http:\/\/127\.0\.0\.1:\d+ +(\d+) +\d+ +\d+ ms$/gm)].map(match => Number(match[1]))
  const commands = [...screen.matchAll(/^ {5}(\S.*)$/gm)].map(match => match[1]!)
  const [redirectEurope, redirectAsia, forwarded, explain, kill] = commands as [string, string, string, string, string]
  const run = async (command: string) => (await shell('sh', ['-c', command])).stdout
  const runExplain = async () => (await runMeridian(explain.split(' ').slice(2))).stdout

  t.equal(pids.length, 20)
  t.ok(pids.every(isAlive), 'every region is a process of its own')
  t.equal(commands.length, 5)

  const killed = Number(kill.split(' ')[1])
  const [, victim] = new RegExp(`^ +(\\S+) .* ${killed} `, 'm').exec(screen)!

  await t.test('the printed commands do what is said of them', async t => {
    const europe = await run(redirectEurope)
    t.match(europe, /^HTTP\/1\.1 307 /)
    t.match(europe, new RegExp(`^X-Meridian-Region: ${victim}\r$`, 'm'))
    t.match(victim, /^edge-(lhr|ams|fra|waw)$/)
    t.match(await run(redirectAsia), /^X-Meridian-Region: edge-(sin|nrt|bom)\r$/m)
    const answer = await run(forwarded)
    t.match(answer, /^HTTP\/1\.1 200 /)
    t.match(JSON.parse(answer.split('\r\n\r\n')[1]!), {
      region: victim,
      pid: killed,
      path: '/v1/chat',
      client: '81.2.69.142',
    })
    const followed = await run(redirectEurope.replace('curl -i', 'curl -sL'))
    t.match(JSON.parse(followed), { region: victim, pid: killed }, 'the redirect leads to the region itself')
    t.match(await run(redirectEurope.replace(/\/$/, '/decide')), /"region": ?"edge-/)
    t.match(await run(forwarded.replace('/v1/chat', '/v1/stream')), /(data: \{.*\}\n\n){10}/, 'a stream arrives whole')
    const explained = await runExplain()
    t.match(explained, new RegExp(`^→ {2}${victim} `, 'm'))
    t.match(explained, /^ {3}core-fra +core .* tier: edge can take it$/m)
  })

  await t.test('the printed token lets its user drain', async t => {
    t.match(screen, /^Try, in another terminal, in this folder:$/m)
    const [, token = ''] = /^ {2}To write .*: export MERIDIAN_TOKEN=(\S+)$/m.exec(screen)!
    const [, drain = ''] = /^ {2}Then for instance: npx meridian (.*)$/m.exec(screen)!
    const [, drained] = /drain (\S+)/.exec(drain)!
    const args = drain.split(' ')
    t.equal((await runMeridian(args)).exitCode, 77, 'not without it')
    t.equal((await runMeridian(args, { env: { MERIDIAN_TOKEN: token } })).exitCode, 0)
    t.match(await runExplain(), new RegExp(`^ {3}${drained} .* drained`, 'm'))
    t.equal((await runMeridian(args.with(1, 'undrain'), { env: { MERIDIAN_TOKEN: token } })).exitCode, 0)
  })

  await t.test('a region that is killed loses its clients, and explain says why', async t => {
    await run(kill)
    const explained = await eventually(runExplain, /^In doubt/m)
    t.match(explained, new RegExp(`^ {3}${victim} .* probe: \\d failures?, last: connection refused$`, 'm'))
    const moved = await run(redirectEurope)
    t.match(moved, /^X-Meridian-Region: edge-(lhr|ams|fra|waw)\r$/m)
    t.notMatch(moved, victim)
    await demo.until('stdout', new RegExp(`${victim}: process ${killed} ended \\(SIGTERM\\)`))
    await demo.until('stdout', new RegExp(`${victim} is down \\(probe: .*\\): its clients go elsewhere`))
  })

  // As a terminal and npm do it together: twice.
  demo.process.kill('SIGINT')
  demo.process.kill('SIGINT')
  const { exitCode, stderr } = await demo.result
  t.match({ exitCode, stderr }, { exitCode: 0, stderr: '' })
  t.same(pids.filter(isAlive), [], 'no process is left')
})

const region = (id: string) =>
  JSON.stringify({
    ...{ id, name: id, tier: 'edge', coordinates: { latitude: 50, longitude: 8 } },
    endpoints: { publicUrl: `https://${id}.example.com`, probe: { path: '/healthz' } },
  })

t.test('a fleet of one: ports that are taken are replaced, and named', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const folder = t.testdir({ 'only.json': region('only') })
  const ports = ['--http-port', '0', '--control-port', String(port), '--region-ports', String(port)]
  const demo = start(t, ['--regions', folder, ...ports])
  const [, replaced] = await demo.until('stdout', /Taken by other programs, so replaced: (.*)/)
  t.match(replaced, new RegExp(`^${port} by \\d+, ${port} by \\d+$`))
  await demo.until('stdout', /Ctrl-C stops/)
  t.match(demo.output.stdout, /npx meridian explain 81\.2\.69\.142 --control http:\/\/127\.0\.0\.1:\d+$/m)
  const [, url] = /^ +only .* (http:\S+) /m.exec(demo.output.stdout)!
  const ask = () =>
    fetch(`${url}/healthz`).then(
      ({ status }) => String(status),
      () => 'nobody',
    )
  t.equal(await ask(), '200')
  demo.process.kill('SIGKILL')
  await demo.result
  await eventually(ask, /nobody/)
  t.pass('a region ends with its demo, however that ended')
})

t.test('what was measured during a demo ends with it', async t => {
  const folder = t.testdir({ regions: { 'only.json': region('only') }, home: {}, state: {}, temporary: {} })
  const inFolder = (name: string): string => `${folder}/${name}`
  const demo = start(t, ['--regions', inFolder('regions'), ...freePorts], {
    ...{ HOME: inFolder('home'), XDG_STATE_HOME: inFolder('state'), TMPDIR: inFolder('temporary') },
  })
  await demo.until('stdout', /Ctrl-C stops/)
  const [, token] = /MERIDIAN_TOKEN=(\S+)$/m.exec(demo.output.stdout)!
  const [, control] = /--control (http:\S+)$/m.exec(demo.output.stdout)!
  const taken = await fetch(`${control}/v1/latency`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ samples: [{ network: '81.2.69.0/24', region: 'only', rttMs: 33 }] }),
  })
  t.same(await taken.json(), { accepted: 1, rejected: [] })
  demo.process.kill('SIGINT')
  t.match(await demo.result, { exitCode: 0, stderr: '' })
  t.same(readdirSync(inFolder('state')), [])
  t.notOk(existsSync(inFolder('home/.local/state')))
  const left = readdirSync(inFolder('temporary')).filter(name => name.startsWith('meridian'))
  t.same(left, [], 'nor is there anything in the temporary folder')
})

t.test('a SIGTERM to npm, as a supervisor sends it, ends the demo behind it', async t => {
  const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const folder = t.testdir({
    'package.json': JSON.stringify({ type: 'module', scripts: { demo: scripts.demo } }),
    // The script as it is, over the sources as they are.
    dist: { cli: { 'meridian.js': `import '${new URL('../../src/cli/meridian.ts', import.meta.url)}'\n` } },
    regions: { 'only.json': region('only') },
  })
  const npm = spawn('npm', ['run', 'demo', '--', '--regions', `${folder}/regions`, ...freePorts], { cwd: folder })
  t.teardown(() => npm.kill('SIGKILL'))
  const screen = await new Promise<string>(resolve => {
    let shown = ''
    npm.stdout.on('data', chunk => {
      shown += chunk
      if (shown.includes('Ctrl-C stops')) resolve(shown)
    })
  })
  const pid = Number(/^ +only .* http:\/\/127\.0\.0\.1:\d+ +(\d+)/m.exec(screen)![1])
  t.ok(isAlive(pid))
  npm.kill('SIGTERM')
  // Its end comes when nobody holds it any more: neither npm nor the demo.
  t.match(await text(npm.stdout), /Stopped: the router and all regions are gone/)
  t.notOk(isAlive(pid))
})

t.test('what cannot start says why and leaves nothing behind', async t => {
  const empty = t.testdir({})
  t.match(await start(t, ['--regions', empty]).result, { exitCode: 66, stderr: /there is no region file/ })
  const broken = t.testdir({ 'a.json': '{}' })
  t.match(await start(t, ['--regions', broken]).result, { exitCode: 65, stderr: /a\.json: name: is missing/ })
})
