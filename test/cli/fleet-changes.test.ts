/** The commands that change a fleet and its tokens, against a router of its own process. */

import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import type { RegionView } from '../../src/control/schemas.ts'
import { runMeridian, startMeridianCommand } from '../support/run-meridian.ts'

const token = 'the-token-of-the-tests'
const region = (id: string, latitude: number, longitude: number, more: object = {}) =>
  JSON.stringify({
    ...{ id, name: id, tier: 'edge', coordinates: { latitude, longitude } },
    endpoints: { publicUrl: `https://${id}.example.com` },
    ...more,
  })
const settings = `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: ["*.example.com"]
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')} }]
regions: { directory: fleet, defaultOrder: [london] }
lease: { duration: 60s }
`

async function startRouter(t: Test, more: Readonly<Record<string, string>> = {}) {
  const folder = t.testdir({
    'meridian.yaml': settings,
    fleet: { 'london.json': region('london', 51.5, -0.1) },
    'tokyo.json': region('tokyo', 35.7, 139.7),
    wanted: {
      'london.json': region('london', 51.5, -0.1),
      'tokyo.json': region('tokyo', 35.7, 139.7, { weight: 2 }),
      'new.json': region('new', 40.7, -74),
    },
  })
  const command = startMeridianCommand(['serve', '--config', `${folder}/meridian.yaml`], { env: more })
  t.teardown(() => command.process.kill('SIGKILL'))
  const [, controlUrl] = await command.until('stderr', /its control API on (\S+)\n/)
  const env = { MERIDIAN_CONTROL_URL: controlUrl!, MERIDIAN_TOKEN: token }
  return { folder, controlUrl: controlUrl!, run: (...args: string[]) => runMeridian(args, { env }) }
}

t.test('a fleet is changed from files, after a look at what that would do', async t => {
  const { folder, run, controlUrl } = await startRouter(t)

  t.match(await run('regions', 'register', `${folder}/tokyo.json`), {
    exitCode: 0,
    stdout: /^tokyo is registered, revision \d+; believed for 60 s without a heartbeat\n$/,
  })
  const dry = await run('regions', 'apply', `${folder}/wanted`, '--dry-run')
  t.match(dry, { exitCode: 0, stderr: '' })
  t.match(dry.stdout, /^new new\ntokyo changed\n/)
  t.match(dry.stdout, /^rule default: \d+\.\d % of clients would move; mean cost [\d.]+ → [\d.]+ ms$/m)
  t.match(dry.stdout, /^london +new +\d+\.\d % +[\d.]+ +[\d.]+$/m)
  const json = JSON.parse((await run('regions', 'apply', `${folder}/wanted`, '--dry-run', '--json')).stdout)
  const [effect] = json.effects
  t.equal(effect.rule, 'default')
  t.ok(effect.movedShare > 0.2 && effect.meanAfterMs < effect.meanBeforeMs, 'America gets a region of its own')
  t.notOk(
    JSON.parse((await run('regions', 'list', '--json')).stdout).regions.some(({ id }: { id: string }) => id === 'new'),
    'nothing was done',
  )

  const applied = await run('regions', 'apply', `${folder}/wanted`)
  t.match(applied, { exitCode: 0, stdout: 'new new\ntokyo changed\n2 of 3 regions told\n' })
  t.match(
    await run('regions', 'apply', `${folder}/wanted`),
    { stdout: '0 of 3 regions told\n' },
    'and again: nothing to do',
  )
  t.match(JSON.parse((await run('regions', 'show', 'tokyo', '--json')).stdout), { weight: 2, source: 'registered' })

  t.match(await run('regions', 'apply', `${folder}/fleet`, '--prune', '--json'), {
    stdout: '{"changes":[{"kind":"removed","region":"new"},{"kind":"removed","region":"tokyo"}]}\n',
  })
  t.match(await run('regions', 'remove', 'tokyo'), { exitCode: 66, stderr: /region "tokyo" is not known/ })
  t.match(await run('regions', 'remove', 'london'), { exitCode: 65, stderr: /declared in a file/ })
  t.match(await run('regions', 'register', `${folder}/nowhere.json`), { exitCode: 66 })

  await t.test('a drain is waited for until the region says that it is empty', async t => {
    await run('regions', 'register', `${folder}/tokyo.json`)
    const { lease } = JSON.parse((await run('regions', 'show', 'tokyo', '--json')).stdout)
    const report = (sequence: number, inflight: number) =>
      fetch(`${controlUrl}/v1/regions/tokyo/heartbeat`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ epoch: lease.epoch, sequence, inflight, latencyMs: 2000 }),
      })
    t.equal((await report(1, 40)).status, 204)
    const env = { MERIDIAN_CONTROL_URL: controlUrl, MERIDIAN_TOKEN: token }
    const waiting = startMeridianCommand(['regions', 'drain', 'tokyo', '--wait', '--timeout', '60s'], { env })
    await waiting.until('stderr', /tokyo: empty in about \d+ s, by how long a request stays: 40 in flight/)
    t.match((await run('regions', 'show', 'tokyo')).stdout, /^empty +in about \d+ s, by how long/m)
    const metrics = await (await fetch(`${controlUrl}/metrics`)).text()
    t.match(metrics, /^meridian_region_drain_inflight_requests\{region="tokyo"\} 40$/m)
    t.match(metrics, /^meridian_region_drain_remaining_seconds\{region="tokyo"\} [\d.]+$/m)
    await report(2, 0)
    t.match(await waiting.result, { exitCode: 0, stdout: 'tokyo is empty\n' })

    const silent = await run('regions', 'drain', 'london', '--wait')
    t.match(silent, { exitCode: 75, stderr: /"london": it sends no reports, so nobody can tell/ })
    t.match(await run('regions', 'drain', 'london', '--wait', '--timeout', 'soon'), {
      exitCode: 64,
      stderr: /--timeout: expected seconds/,
    })
  })

  await t.test('the mode of the fleet is shown and set', async t => {
    t.match((await run('fleet', 'mode')).stdout, /^mode +auto\nregions +2: 2 draining\n/)
    t.match((await run('fleet', 'mode', 'frozen')).stdout, /^mode +frozen$/m)
    t.match(JSON.parse((await run('fleet', 'mode', '--json')).stdout), { mode: 'frozen' })
    t.match(await run('fleet', 'mode', 'fast'), { exitCode: 64, stderr: /expected one of "auto"/ })
    await run('fleet', 'mode', 'auto')
  })

  await t.test('tokens are made, listed and revoked', async t => {
    const made = await run(
      'tokens',
      'create',
      'tokyo',
      '--rights',
      'report',
      '--regions',
      'tokyo',
      'osaka-*',
      '--expires',
      '90d',
    )
    const [, secret, , about] = made.stdout.split('\n') as [string, string, string, string]
    t.match(secret, /^mrd_/)
    const [, id] = /^# ([0-9a-f]{12}): report for tokyo, osaka-\*, until \d{4}-\d\d-\d\d \d\d:\d\d UTC$/.exec(about)!
    const list = (await run('tokens', 'list')).stdout
    t.match(list, /^ops +configuration, sha256 [0-9a-f]{12}… +read, report, operator +\* +until it is revoked$/m)
    t.match(list, new RegExp(`^tokyo +${id} +report +tokyo, osaka-\\* +until`, 'm'))
    t.match(await run('regions', 'drain', 'london', '--token', secret), {
      exitCode: 77,
      stderr: /is not for region "london"/,
    })
    t.match(await run('tokens', 'revoke', id!), { exitCode: 0, stdout: `token ${id} is revoked\n` })
    t.match(await run('regions', 'undrain', 'tokyo', '--token', secret), { exitCode: 77 })
    t.match(await run('tokens', 'revoke', id!), { exitCode: 66, stderr: /there is no token with the id/ })
    const digest = createHash('sha256').update(token).digest('hex')
    t.match((await run('tokens', 'list')).stdout, `configuration, sha256 ${digest.slice(0, 12)}…`)
    const nextYear = new Date().getUTCFullYear() + 1
    const dated = await run('tokens', 'create', 'y', '--expires', `${nextYear}-02-01`)
    t.match(dated.stdout, `until ${nextYear}-02-0`)
    for (const day of [`${nextYear}-02-30`, '2020-01-01']) {
      t.match(await run('tokens', 'create', 'x', '--expires', day), { exitCode: 64, stderr: /the last day/ }, day)
    }
    t.match(await run('tokens', 'create', 'x', '--expires', 'tomorrow'), {
      exitCode: 64,
      stderr: /--expires: expected/,
    })
  })
})

t.test('what an agent keeps registered is left alone, unless it is forced', async t => {
  const { folder, run, controlUrl } = await startRouter(t)
  await run('regions', 'register', `${folder}/tokyo.json`)
  const show = async () => (await fetch(`${controlUrl}/v1/regions/tokyo`)).json() as Promise<RegionView>
  const beat = async (sequence: number) => {
    const { lease } = await show()
    const response = await fetch(`${controlUrl}/v1/regions/tokyo/heartbeat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ epoch: lease!.epoch, sequence, inflight: 0 }),
    })
    t.equal(response.status, 204)
  }
  await beat(1)
  const changed = `${folder}/wanted/tokyo.json`
  t.match(await run('regions', 'register', changed), {
    exitCode: 65,
    stderr:
      /^meridian: region "tokyo" is kept by its agent \(last heartbeat \d+\.\d s ago\).*: change the agent's region file, or stop it; --force/,
  })
  t.match(await run('regions', 'remove', 'tokyo'), {
    exitCode: 65,
    stderr: /kept by its agent.*: stop the agent; --force/,
  })
  t.match(await run('regions', 'register', `${folder}/tokyo.json`), { exitCode: 0 }, 'what it says itself may be said')
  await beat(1)

  const dry = await run('regions', 'apply', `${folder}/wanted`, '--dry-run')
  t.match(dry, { exitCode: 65, stderr: /^meridian: kept as they are by their agents: tokyo; / }, 'as the real run')
  t.match(dry.stdout, /^new new\ntokyo kept as it is by its agent \(last heartbeat \d+\.\d s ago\)\n/)

  const applied = await run('regions', 'apply', `${folder}/wanted`)
  t.match(applied, { exitCode: 65, stderr: /^meridian: kept as they are by their agents: tokyo; change / })
  t.match(applied.stdout, /^new new\ntokyo kept as it is by its agent \(.*\)\n1 of 3 regions told\n$/)
  t.match(await show(), { weight: 1 })
  const pruned = await run('regions', 'apply', `${folder}/fleet`, '--prune', '--json')
  t.equal(pruned.exitCode, 65)
  t.match(JSON.parse(pruned.stdout), {
    changes: [{ kind: 'removed', region: 'new' }],
    kept: [{ region: 'tokyo', heartbeatAgeMs: Number }],
  })

  t.match(await run('regions', 'apply', `${folder}/wanted`, '--force'), { exitCode: 0, stdout: /tokyo changed/ })
  t.match(await show(), { weight: 2 })
  await beat(1)
  t.match(await run('regions', 'remove', 'tokyo', '--force'), { exitCode: 0 })
})

t.test('a region that is as its file says, but silent, is not passed over', async t => {
  const { folder, run } = await startRouter(t, { MERIDIAN_LEASE__DURATION: '1s' })
  await run('regions', 'register', `${folder}/tokyo.json`)
  const show = async () => JSON.parse((await run('regions', 'show', 'tokyo', '--json')).stdout) as RegionView
  while ((await show()).lease!.expiresInMs > 0);
  const same = t.testdir({ 'tokyo.json': region('tokyo', 35.7, 139.7) })
  const applied = await run('regions', 'apply', same)
  t.match(applied, { exitCode: 0, stdout: /^tokyo as it is, but its lease has lapsed \(.* s ago\): start its agent; / })
  t.match(applied.stdout, /\n0 of 1 regions told\n$/)
  t.match((await run('regions', 'apply', same, '--dry-run')).stdout, /^Nothing would change\.\ntokyo as it is, but/)
  const json = JSON.parse((await run('regions', 'apply', same, '--json')).stdout)
  t.match(json, { changes: [], lapsed: [{ region: 'tokyo', lapsedMs: Number }] })
})

t.test('two folders are compared without any router', async t => {
  const folder = t.testdir({
    before: { 'a.json': region('a', 50, 8), 'b.json': region('b', 35, 139) },
    after: { 'a.json': region('a', 50, 8) },
  })
  const args = ['regions', 'apply', `${folder}/after`, '--against', `${folder}/before`, '--prune']
  const { exitCode, stdout } = await runMeridian(args)
  t.equal(exitCode, 0)
  t.match(stdout, /^b removed$/m)
  t.match(stdout, /^b +a +\d+\.\d %/m)
})
