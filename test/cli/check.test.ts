import { writeFileSync } from 'node:fs'
import t from 'tap'
import { checkEverything } from '../../src/cli/check-everything.ts'
import { nested, writeDatabase } from '../support/geo-fixture.ts'
import { runMeridian } from '../support/run-meridian.ts'

const region = (id: string, latitude = 50) =>
  JSON.stringify({
    ...{ id, name: id, tier: 'edge', coordinates: { latitude, longitude: 8 } },
    endpoints: { publicUrl: `https://${id}.example.com` },
  })

t.test('every fault of every file is named at once, also behind a faulty configuration', async t => {
  const folder = t.testdir({
    'meridian.yaml': [
      'http: { listen: [{ port: 70000 }] }',
      'colour: red',
      'regions: { directory: fleet }',
      'geo: { databases: [missing.mmdb, broken.mmdb, missing.mmdb], overrides: overrides.yaml }',
    ].join('\n'),
    'broken.mmdb': 'not a database',
    'overrides.yaml': '- network: 10.0.0.1/8\n  country: PL\n',
    fleet: { 'a.json': region('a', 91), 'b.json': '{' },
  })
  const { faults, warnings } = await checkEverything(`${folder}/meridian.yaml`, {})
  const expected = [
    /^colour: unknown key .*meridian\.yaml:2/,
    /^http\.listen\[0\]\.port: expected at most 65535, not 70000 .*meridian\.yaml:1/,
    /fleet\/a\.json: coordinates\.latitude: expected at most 90, not 91/,
    /fleet\/b\.json: not JSON/,
    /overrides\.yaml: line 1: .*10\.0\.0\.1\/8 has bits set/,
    /^cannot read .*missing\.mmdb: no such file or folder$/,
    /broken\.mmdb: /,
  ]
  for (const pattern of expected)
    t.ok(
      faults.some(fault => pattern.test(fault)),
      String(pattern),
    )
  t.equal(faults.length, expected.length, faults.join('\n'))
  t.same(warnings, [])
})

t.test('names of no region are named while a region file, a database or the overrides are faulty', async t => {
  const folder = t.testdir({
    'meridian.yaml': [
      'regions: { directory: fleet, defaultOrder: [a, broken, nowhere] }',
      'rules: [{ name: api, lastResort: gone }]',
      'geo: { databases: [missing.mmdb], overrides: overrides.yaml }',
    ].join('\n'),
    'overrides.yaml': '- network: ten\n  region: a\n',
    fleet: { 'a.json': region('a'), 'broken.json': '{' },
  })
  const { faults } = await checkEverything(`${folder}/meridian.yaml`, {})
  for (const pattern of [
    /"nowhere" is the id of no/,
    /"gone" is the id of no/,
    /broken\.json: not JSON/,
    /missing\.mmdb/,
    /overrides\.yaml: line 1/,
  ])
    t.equal(faults.filter(fault => pattern.test(fault)).length, 1, String(pattern))
  t.equal(faults.length, 5, faults.join('\n'))
})

t.test('a section with a fault of its own leads nowhere', async t => {
  const folder = t.testdir({
    'meridian.yaml': 'regions: { directory: fleet, defaultOrder: [NO] }\n',
    fleet: { 'a.json': '{' },
  })
  const { faults } = await checkEverything(`${folder}/meridian.yaml`, {})
  t.match(faults, [/^regions\.defaultOrder\[0\]/])
  t.equal(faults.length, 1)
})

t.test('what contradicts the fleet is a fault, what works badly is a warning', async t => {
  const folder = t.testdir({
    'meridian.yaml': [
      'regions: { directory: fleet, defaultOrder: [a, nowhere] }',
      'rules: [{ name: api, match: { path: /v1/ }, transport: redirect }]',
      'geo: { overrides: overrides.yaml }',
    ].join('\n'),
    'overrides.yaml': '- network: 10.0.0.0/8\n  region: gone\n',
    fleet: { 'a.json': region('a') },
  })
  const { faults, warnings, found } = await checkEverything(`${folder}/meridian.yaml`, {})
  t.match(faults, [/"nowhere" is the id of no region/, /"gone" is the id of no region/])
  t.match(warnings, [/Authorization header/])
  t.same(found, { rules: 1, regions: 1, databases: 1, overrides: 1 })
})

t.test('exit codes: 0 when all is well, 78 for faults, and for warnings when strict', async t => {
  const geo = 'geo: { databases: [../small.mmdb] }\n'
  const folder = t.testdir({
    good: {
      'meridian.yaml': `${geo}regions: { directory: fleet, defaultOrder: [a] }`,
      fleet: { 'a.json': region('a') },
    },
    warns: { 'meridian.yaml': `${geo}regions: { directory: fleet }`, fleet: { 'a.json': region('a') } },
    bad: { 'meridian.yaml': `${geo}colour: red` },
  })
  writeDatabase(folder, 'small', { '192.0.2.0/24': nested('PL', 52, 21) })
  const check = (name: string, ...more: string[]) =>
    runMeridian(['check', '--config', `${folder}/${name}/meridian.yaml`, ...more])
  t.match(await check('good', '--strict'), { exitCode: 0, stdout: /no fault \(0 rules, 1 region, 1 database/ })
  t.match(await check('warns'), { exitCode: 0, stdout: /^warning {2}regions\.defaultOrder: is empty/ })
  t.match(await check('warns', '--strict'), { exitCode: 78 })
  t.match(await check('bad'), { exitCode: 78, stdout: /^fault {4}colour: unknown key/ })
  const { exitCode, stdout } = await check('bad', '--json')
  t.equal(exitCode, 78)
  t.match(JSON.parse(stdout), { ok: false, faults: [/^colour/], warnings: [] })
  const missing = { exitCode: 66, stderr: /^meridian: cannot read the configuration .*: no such file or folder\n$/ }
  t.match(await check('missing'), missing)
  t.match(await runMeridian(['serve', '--config', `${folder}/missing/meridian.yaml`]), missing, 'as serve has it')
  for (const [geo, exitCode, name] of [
    ['geo: { databases: [missing.mmdb, other.mmdb] }', 66, 'two files that are not there'],
    ['geo: { databases: [broken.mmdb] }', 65, 'a broken one'],
    ['geo: { databases: [missing.mmdb, broken.mmdb] }', 78, 'one of each'],
    ['geo: { databases: [missing.mmdb] }\nregions: { defaultOrder: [nowhere] }', 78, 'and a name of nobody'],
    ['geo: { databases: [small.mmdb] }\ncontrol: { tls: { cert: no.pem, key: no.pem } }', 66, 'no certificate'],
  ] as const) {
    writeFileSync(`${folder}/meridian.yaml`, `http: { listen: [{ address: 127.0.0.1, port: 0 }] }\n${geo}`)
    writeFileSync(`${folder}/broken.mmdb`, 'not a database')
    for (const command of ['check', 'serve']) {
      const { exitCode: found } = await runMeridian([command, '--config', `${folder}/meridian.yaml`])
      t.equal(found, exitCode, `${command}: ${name}`)
    }
  }
  const byVariable = await runMeridian(['check'], { env: { MERIDIAN_HTTP__PORT: 'many' } })
  t.match(byVariable, { exitCode: 78, stdout: /http\.listen\[0\]\.port.*MERIDIAN_HTTP__PORT/ })
})

t.test('whoever only reads needs no license key; check says that one is missing', async t => {
  const folder = t.testdir({
    'meridian.yaml': 'geo: { databases: [embedded, GeoLite2-City.mmdb], update: { accountId: 1 } }',
  })
  const file = `${folder}/meridian.yaml`
  const { faults, warnings } = await checkEverything(file, {})
  t.same(faults, [])
  t.ok(warnings.includes('geo.update.licenseKey: is missing: a download needs it beside the account; serve needs it'))
  t.match(await runMeridian(['geo', 'info', '--config', file]), { exitCode: 0, stderr: '' })
  t.match(await runMeridian(['serve', '--config', file]), { exitCode: 78, stderr: /licenseKey: is missing/ })
})
