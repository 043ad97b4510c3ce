import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runMeridian } from '../support/run-meridian.ts'

t.test('the embedded database answers without any setting up', async t => {
  const { exitCode, stdout } = await runMeridian(['geo', 'lookup', '81.2.69.142'])
  t.equal(exitCode, 0)
  t.match(stdout, /^place +London, England, GB, EU$/m)
  t.match(stdout, /^network +81\.2\.\d+\.\d+\/\d+, all of which/m)
  t.match(stdout, /^source +.*city\.mmdb$/m)
  const answer = JSON.parse((await runMeridian(['geo', 'lookup', '::ffff:81.2.69.142', '--json'])).stdout)
  t.match(answer, { location: { country: 'GB' }, cell: { country: 'GB' }, pin: null })
})

t.test('the whole record, as the file has it', async t => {
  const { stdout } = await runMeridian(['geo', 'lookup', '81.2.69.142', '--raw', '--json'])
  t.match(JSON.parse(stdout), [{ file: /city\.mmdb$/, record: { country: { iso_code: 'GB' } } }])
  t.match((await runMeridian(['geo', 'lookup', '81.2.69.142', '--raw'])).stdout, /country: { iso_code: 'GB' }/)
})

t.test('nothing known is an answer, with exit code 1', async t => {
  t.match(await runMeridian(['geo', 'lookup', '10.1.2.3']), { exitCode: 1, stdout: /nothing is known/, stderr: '' })
  const raw = await runMeridian(['geo', 'lookup', '10.1.2.3', '--raw', '--json'])
  t.match(raw, { exitCode: 1, stdout: /"record":null/ })
})

t.test("a configuration's overrides count", async t => {
  const folder = t.testdir({
    'meridian.yaml': 'geo: { overrides: overrides.yaml }',
    'overrides.yaml': '- { network: 10.1.0.0/16, country: PL, region: core-fra, whenDown: refuse }',
  })
  const { exitCode, stdout } = await runMeridian(['geo', 'lookup', '10.1.2.3', '--config', `${folder}/meridian.yaml`])
  t.equal(exitCode, 0)
  t.match(stdout, /^place +PL, EU$/m)
  t.match(stdout, /^pinned +to core-fra, by the override 10\.1\.0\.0\/16 \(when down: refuse\)$/m)
})

t.test('info names sources, sizes and whose data it is', async t => {
  const { stdout } = await runMeridian(['geo', 'info'])
  t.match(stdout, /^database +\S+ +\d{4}-\d\d-\d\d .* MB +.*city\.mmdb$/m)
  t.match(stdout, /^IP Geolocation by DB-IP, https:\/\/db-ip\.com/m)
  t.match(JSON.parse((await runMeridian(['geo', 'info', '--json'])).stdout), { sources: [{ kind: 'database' }] })
})

t.test('a database that is broken or missing is refused with its name', async t => {
  const file = join(t.testdir(), 'broken.mmdb')
  writeFileSync(file, 'not a database')
  const broken = await runMeridian(['geo', 'lookup', '81.2.69.142', '--database', file])
  t.match(broken, { exitCode: 65, stdout: '', stderr: /^meridian: .*broken\.mmdb: / })
  const missing = await runMeridian(['geo', 'info', '--database', join(t.testdirName, 'missing.mmdb')])
  t.match(missing, { exitCode: 66, stderr: /cannot read .*missing\.mmdb: no such file/ })
})
