/** The commands that run a router and that ask one, against each other. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { runMeridian, startMeridianCommand } from '../support/run-meridian.ts'

const token = 'the-token-of-the-tests'

const region = (id: string, tier: string, latitude: number, longitude: number) =>
  JSON.stringify({
    ...{ id, name: id, tier, coordinates: { latitude, longitude }, capacityRequests: 50 },
    endpoints: { publicUrl: `https://${id}.example.com` },
  })

const settings = `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')}, rights: [operator] }]
regions: { directory: fleet, defaultOrder: [far] }
rules: [{ name: chat, match: { path: /v1/ }, transport: decide, capability: { header: x-model } }]
`

const fleet = {
  'near.json': region('near', 'edge', 51.5, -0.1),
  'far.json': region('far', 'edge', 1.35, 103.8),
  'core.json': region('core', 'core', 50.1, 8.7),
}

/** A router as its own process; stopped when the test ends. */
async function startRouter(t: Test) {
  const folder = t.testdir({ 'meridian.yaml': settings, fleet })
  const command = startMeridianCommand(['serve', '--config', `${folder}/meridian.yaml`])
  t.teardown(() => command.process.kill('SIGKILL'))
  const [, dataUrl, controlUrl] = await command.until('stderr', /clients on (\S+), its control API on (\S+)\n/)
  return { command, dataUrl: dataUrl!, controlUrl: controlUrl! }
}

t.test('a router is asked by explain and regions', async t => {
  const { command, dataUrl, controlUrl } = await startRouter(t)
  const ask = (...args: string[]) => runMeridian(args, { env: { MERIDIAN_CONTROL_URL: controlUrl } })

  await t.test('explain draws what the API says', async t => {
    const { exitCode, stdout, stderr } = await ask('explain', '81.2.69.142')
    t.match({ exitCode, stderr }, { exitCode: 0, stderr: '' })
    t.match(stdout, /^decision {2}near: least cost$/m)
    t.match(stdout, /^→ {2}near +edge +\d/m)
    t.match(stdout, /^ {3}core +core .*tier: edge can take it$/m)
    t.notOk(stdout.includes('\u001b'), 'no colours into a pipe')
    const trace = JSON.parse((await ask('explain', '81.2.69.142', '--json')).stdout)
    t.match(trace, { region: 'near', rule: 'default', client: { location: { country: 'GB' } } })
  })

  await t.test('explain asks for what the client would ask', async t => {
    const question = ['--path', '/v1/chat', '--method', 'POST', '--host', 'api.example.com']
    const { stdout } = await ask('explain', '81.2.69.142', ...question, '--header', 'X-Model: large', '--json')
    t.match(JSON.parse(stdout), { rule: 'chat', region: null, rejected: [{ reason: 'capability' }] })
  })

  await t.test('regions list and show', async t => {
    t.match((await ask('regions', 'list')).stdout, /^region .*\ncore +core .*\nfar +edge .*\nnear +edge +near +up/)
    t.match(JSON.parse((await ask('regions', 'list', '--json')).stdout), { regions: [{ id: 'core', state: 'up' }] })
    t.match((await ask('regions', 'show', 'near')).stdout, /^public URL +https:\/\/near\.example\.com$/m)
    t.match(await ask('regions', 'show', 'nowhere'), {
      exitCode: 66,
      stderr: /^meridian: there is no region "nowhere"\n$/,
    })
    t.match(await ask('regions', 'show', '../healthz'), { exitCode: 64, stderr: /region id/ })
  })

  await t.test('drain needs a token, says why, and is taken back', async t => {
    t.match(await ask('regions', 'drain', 'near'), { exitCode: 77, stderr: /--token or MERIDIAN_TOKEN/ })
    const drained = await ask('regions', 'drain', 'near', '--reason', 'new disks', '--token', token)
    t.match(drained, { exitCode: 0, stdout: /^state +draining\nwhy +operator: drained by ops: new disks$/m })
    t.match(
      (await ask('explain', '81.2.69.142')).stdout,
      /Forbidden: [^\n]*\n {3}near .* drained: drained by ops: new disks/,
    )
    t.match(await ask('regions', 'undrain', 'near', '--token', token), { exitCode: 0, stdout: /^state +up$/m })
  })

  await t.test('audit tells of that, the newest first', async t => {
    t.match(await ask('audit'), { exitCode: 77, stderr: /--token or MERIDIAN_TOKEN/ })
    const { stdout } = await ask('audit', '--region', 'near', '--count', '2', '--token', token)
    t.match(
      stdout,
      /^when.*\n\d{4}-\S+ \d\d:\S+ +ops +undrain +near +done +was .*"new disks".*\n.* drain +near +done +\{/,
    )
    t.match((await ask('audit', '--region', 'far', '--token', token)).stdout, /^Nothing has been changed about "far"/)
    t.match(await ask('audit', '--count', '0'), { exitCode: 64, stderr: /from 1 to 9999/ })
    const json = JSON.parse((await ask('audit', '--count', '1', '--json', '--token', token)).stdout)
    t.match(json, { entries: [{ who: 'ops', action: 'undrain', outcome: 'done' }] })
  })

  await t.test('an address that is not the control API is told apart from one where nobody is', async t => {
    for (const args of [
      ['regions', 'list'],
      ['explain', '81.2.69.142'],
    ]) {
      const wrong = await runMeridian([...args, '--control', dataUrl])
      t.match(wrong, { exitCode: 69, stdout: '', stderr: /is not the control API/ })
    }
    const secure = await runMeridian(['regions', 'list', '--control', controlUrl.replace('http:', 'https:')])
    t.match(secure, { exitCode: 69, stdout: '', stderr: /\(it does not speak TLS; write http:\/\/\)/ })
    t.notMatch(secure.stderr, /OpenSSL|SSL routines/)
  })

  command.process.kill('SIGTERM')
  await command.until('stderr', /finishing what is under way/)
  // The same key press once more, as npm passes it on: in the last moment of the router, or after it.
  command.process.kill('SIGTERM')
  const { exitCode, stderr } = await command.result
  t.equal(exitCode, 0, 'a router that is told to stop has not failed')
  t.match(stderr, /SIGTERM, finishing what is under way\nmeridian: stopped\n$/)
  const gone = await ask('explain', '81.2.69.142')
  t.match(gone, {
    exitCode: 69,
    stdout: '',
    stderr: /^meridian: no router answers at http:\S+ \(connection refused\): start one.*--control/,
  })
  t.equal(gone.stderr.split('\n').length, 2, 'one sentence')
})

t.test('a port that is taken is named, exit code 71', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const env = { MERIDIAN_HTTP__LISTEN__0__ADDRESS: '127.0.0.1', MERIDIAN_HTTP__LISTEN__0__PORT: String(port) }
  const result = await runMeridian(['serve'], { env: { ...env, MERIDIAN_CONTROL__LISTEN__PORT: '0' } })
  t.match(result, { exitCode: 71, stderr: new RegExp(`^meridian: .*127\\.0\\.0\\.1:${port}.*listens there`) })
})

t.test('a wrong configuration is refused with all its faults, one a line, exit code 78', async t => {
  const folder = t.testdir({ 'meridian.yaml': 'colour: red\nhttp: { listen: [{ port: -1 }] }' })
  const { exitCode, stdout, stderr } = await runMeridian(['serve', '--config', `${folder}/meridian.yaml`])
  t.match({ exitCode, stdout }, { exitCode: 78, stdout: '' })
  const lines = stderr.trimEnd().split('\n')
  t.match(lines, [
    /^meridian: The configuration is not valid:$/,
    /^ {2}colour: unknown key/,
    /^ {2}http\.listen\[0\]\.port/,
  ])
  t.equal(lines.length, 3)
})
