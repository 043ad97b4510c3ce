/** `meridian geo update` against a server that behaves like MaxMind's. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { writeTo } from '../support/geo-fixture.ts'
import { account, archiveOf, cityDatabase, startMaxmindServer } from '../support/maxmind-server.ts'
import { runMeridian } from '../support/run-meridian.ts'

const june = new Date('2026-06-01T10:00:00Z')

async function arrange(t: Test) {
  const server = await startMaxmindServer(t, { archive: archiveOf(cityDatabase(june)), lastModified: june })
  const cwd = t.testdir({})
  writeTo(
    cwd,
    'meridian.yaml',
    `geo: { databases: [geo/GeoLite2-City.mmdb, embedded], update: { accountId: ${account.accountId}, url: "${server.url}" } }`,
  )
  const env = { MERIDIAN_GEO__UPDATE__LICENSE_KEY: account.licenseKey }
  const run = (args: readonly string[] = [], more: Record<string, string> = {}) =>
    runMeridian(['geo', 'update', '--config', 'meridian.yaml', ...args], { cwd, env: { ...env, ...more } })
  return { server, run, cwd, env, file: join(cwd, 'geo/GeoLite2-City.mmdb') }
}

t.test('fetches what is new, and says so', async t => {
  const { server, run, cwd, env, file } = await arrange(t)
  const check = () => runMeridian(['check', '--config', 'meridian.yaml'], { cwd, env })
  t.match(await check(), { exitCode: 0, stdout: /geo\/GeoLite2-City\.mmdb: is still to be downloaded/ })
  t.match(await run(), {
    exitCode: 0,
    stdout: 'GeoLite2-City  updated, built 2026-06-01  geo/GeoLite2-City.mmdb\n',
    stderr: '',
  })
  t.ok(existsSync(file))
  t.match(await run(), { exitCode: 0, stdout: /^GeoLite2-City {2}unchanged, built 2026-06-01/ })
  const forced = await run(['--force', '--json'])
  t.match(JSON.parse(forced.stdout), [
    { outcome: 'updated', edition: 'GeoLite2-City', builtAt: june.toISOString(), file },
  ])
  t.equal(server.requests.filter(request => request.endsWith('sha256')).length, 2)
  const lookup = await runMeridian(['geo', 'lookup', '81.2.69.142', '--config', 'meridian.yaml'], { cwd, env })
  t.match(lookup.stdout, /London/)
  t.notMatch((await check()).stdout, /to be downloaded/)
})

t.test('tries again after a fault of the moment, and not when it is asked to wait long', async t => {
  const { server, run, file } = await arrange(t)
  server.failNext('download', (_, response) => response.writeHead(503).end())
  t.match(await run(), {
    exitCode: 0,
    stdout: /updated/,
    stderr: /^meridian: GeoLite2-City: 127\.0\.0\.1:\d+ answers with status 503; trying again in [01]\.\d s\n$/,
  })
  const before = readFileSync(file)
  server.failNext('download', (_, response) => response.writeHead(429, { 'retry-after': '86400' }).end())
  t.match(await run(), {
    exitCode: 69,
    stdout: '',
    stderr: /^meridian: GeoLite2-City: .* has downloaded too often, and asks to wait 86400 s\n$/,
  })
  t.ok(readFileSync(file).equals(before))
})

t.test('a wrong key is told without the key', async t => {
  const { run } = await arrange(t)
  const { exitCode, stdout, stderr } = await run(['--debug'], {
    MERIDIAN_GEO__UPDATE__LICENSE_KEY: 'not-the-license-key',
  })
  t.equal(exitCode, 77)
  t.match(stderr, /does not take the license key of account 123456: check geo\.update\.accountId/)
  t.notMatch(stdout + stderr, /not-the-license-key/)
})

t.test('without account or key it says what is missing', async t => {
  const { run, cwd } = await arrange(t)
  t.match(await run([], { MERIDIAN_GEO__UPDATE__LICENSE_KEY: '' }), {
    exitCode: 78,
    stderr: /geo\.update\.licenseKey: is missing/,
  })
  t.match(await runMeridian(['geo', 'update'], { cwd }), {
    exitCode: 78,
    stderr: /there is nothing to update: set geo\.update\.accountId/,
  })
})
