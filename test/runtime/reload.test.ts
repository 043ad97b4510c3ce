/** A whole router whose files change under it: what it takes up, what it refuses, and that nobody notices. */

import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/config.ts'
import { loadLocator } from '../../src/geo/load-locator.ts'
import { createLogger } from '../../src/observe/log.ts'
import { startMeridian } from '../../src/runtime/meridian.ts'
import { bearer, token } from '../support/control.ts'
import { exampleRegion } from '../support/example-region.ts'
import { nested, writeDatabase } from '../support/geo-fixture.ts'
import { account, archiveOf, cityDatabase, startMaxmindServer } from '../support/maxmind-server.ts'
import { createRecorder } from '../support/recorder.ts'
import { startMeridianCommand } from '../support/run-meridian.ts'

type Line = Readonly<Record<string, unknown>>

const client = '81.2.69.142'
const paris = { latitude: 48.9, longitude: 2.4 }
const tokyo = { latitude: 35.7, longitude: 139.7 }

interface Settings {
  readonly rules?: string
  readonly more?: string
}

const yaml = ({ rules = '[]', more = '' }: Settings = {}) => `
fleet: first
router: { id: r1 }
geo: { databases: [geo/city.mmdb], overrides: overrides.yaml }
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control: { listen: { address: 127.0.0.1, port: 0 } }
health: { enabled: false }
regions: { directory: regions, defaultOrder: [paris] }
rules: ${rules}
${more}`

/** Writes a region file in place. */
function writeRegion(directory: string, id: string, coordinates: typeof paris): void {
  writeFileSync(join(directory, 'regions', `${id}.json`), JSON.stringify(exampleRegion(id, { coordinates })))
}

/** A folder with everything that a router reads. */
function layOut(t: Test, settings?: Settings): string {
  const directory = t.testdir({ geo: {}, regions: {} })
  writeDatabase(join(directory, 'geo'), 'city', { '81.2.69.0/24': nested('FR', 49, 2) })
  writeFileSync(join(directory, 'overrides.yaml'), '')
  writeFileSync(join(directory, 'meridian.yaml'), yaml(settings))
  writeRegion(directory, 'paris', paris)
  writeRegion(directory, 'tokyo', tokyo)
  return directory
}

async function start(t: Test, directory: string) {
  const lines = createRecorder<Line>()
  const log = createLogger({ level: 'info' }, { write: line => lines.note(JSON.parse(line) as Line) })
  const file = join(directory, 'meridian.yaml')
  const configSource = { file, read: () => loadConfig(file, {}) }
  const meridian = await startMeridian(configSource.read(), { configSource, log })
  t.teardown(() => meridian.close(0))
  const [url] = meridian.dataUrls
  const ask = async (path = '/') => {
    const response = await fetch(`${url}${path}`, { headers: { 'x-forwarded-for': client }, redirect: 'manual' })
    await response.body?.cancel()
    return { status: response.status, region: response.headers.get('x-meridian-region') }
  }
  const reloads = () => lines.seen.filter(({ msg }) => /reload/.test(String(msg)))
  /** Resolves with the next line about a reload, once what was done has been noticed. */
  const nextReload = async (change: () => void): Promise<Line> => {
    const count = reloads().length
    change()
    await lines.until(() => reloads().length > count)
    return reloads()[count]!
  }
  const metrics = async () => (await fetch(`${meridian.controlUrl}/metrics`)).text()
  return { meridian, ask, nextReload, reloads, lines, metrics }
}

t.test('what changes in files is noticed, taken up and told in one line', async t => {
  const directory = layOut(t)
  const { ask, nextReload, reloads } = await start(t, directory)
  t.match(await ask(), { status: 307, region: 'paris' })

  t.match(await nextReload(() => writeRegion(directory, 'london', { latitude: 51.5, longitude: -0.1 })), {
    level: 'info',
    msg: 'reloaded: regions added: london',
    regions: { added: ['london'], removed: [], changed: [] },
  })
  t.match(await nextReload(() => writeRegion(directory, 'london', paris)), { msg: 'reloaded: regions changed: london' })
  t.match(await nextReload(() => rmSync(join(directory, 'regions/london.json'))), {
    msg: 'reloaded: regions removed: london',
  })

  const database = await nextReload(() => {
    const file = writeDatabase(directory, 'next', { '81.2.69.0/24': nested('JP', 36, 140) })
    renameSync(file, join(directory, 'geo/city.mmdb'))
  })
  t.match(database, {
    msg: /^reloaded: .*geo\/city\.mmdb read, built 2026-06-01$/,
    geo: [{ builtAt: '2026-06-01T00:00:00.000Z' }],
  })
  t.match(await ask(), { region: 'tokyo' })

  const override = '[{ network: 81.2.69.0/24, coordinates: { latitude: 49, longitude: 2 } }]'
  t.match(await nextReload(() => writeFileSync(join(directory, 'overrides.yaml'), override)), {
    msg: /^reloaded: .*overrides\.yaml read$/,
  })
  t.match(await ask(), { region: 'paris' })

  const rules = '[{ name: told, match: { path: /told }, transport: decide }]'
  const config = await nextReload(() =>
    writeFileSync(
      join(directory, 'meridian.yaml'),
      yaml({
        rules,
        more: 'log: { clientAddress: full }\nlease: { duration: 3s }\nrouting: { temperatureMs: 9 }',
      }).replace('first', 'second'),
    ),
  )
  t.match(config, {
    msg: 'reloaded: rules added: told; settings changed: routing.temperatureMs; kept as they were until a restart: fleet, lease.duration, log.clientAddress',
    rules: { added: ['told'] },
    settings: ['routing.temperatureMs'],
    needRestart: ['fleet', 'lease.duration', 'log.clientAddress'],
  })
  t.match(await ask('/told'), { status: 200 })
  t.equal(reloads().length, 6, 'one line each')
})

t.test('what is wrong is refused with every fault, what ran runs on, and the mend is taken up', async t => {
  const directory = layOut(t)
  const { ask, nextReload, metrics } = await start(t, directory)
  const refused = { level: 'error', msg: 'a reload was refused; what ran runs on' }
  const file = join(directory, 'meridian.yaml')

  t.match(await nextReload(() => writeFileSync(file, 'rules: 7\nnonsense: true')), {
    ...refused,
    code: 'CONFIG_INVALID',
    faults: [/nonsense: unknown key/, /rules: expected a list/],
  })
  t.match(await ask(), { status: 307, region: 'paris' })
  t.match(await metrics(), /^meridian_last_reload_success 0$/m)
  t.match(await nextReload(() => writeFileSync(file, yaml({ rules: '[{ name: x, lastResort: nowhere }]' }))), {
    ...refused,
    faults: [/"nowhere" is the id of no region/],
  })
  t.match(await nextReload(() => writeRegion(directory, 'nowhere', tokyo)), {
    msg: 'reloaded: regions added: nowhere; rules added: x',
  })
  t.match(await metrics(), /^meridian_last_reload_success 1$/m)

  const both = await nextReload(() => {
    writeFileSync(join(directory, 'regions/paris.json'), '{')
    writeFileSync(join(directory, 'geo/city.mmdb'), 'broken')
  })
  t.match(both, { ...refused, faults: [/there is no metadata/, /paris\.json: not JSON/] })
  const names = await nextReload(() => {
    writeFileSync(file, yaml({ rules: '[{ name: x, lastResort: elsewhere }]' }))
    writeFileSync(join(directory, 'overrides.yaml'), '[{ network: 10.0.0.0/8, region: gone }]')
  })
  const all = [/there is no metadata/, /not JSON/, /"elsewhere" is the id of no/, /"gone" is the id of no/]
  t.match(names, { ...refused, faults: all }, 'names as well, while other files are faulty')
  t.match(await ask(), { status: 307, region: 'paris' })
  const mended = await nextReload(() => {
    writeFileSync(file, yaml())
    writeFileSync(join(directory, 'overrides.yaml'), '')
    writeRegion(directory, 'paris', paris)
    writeDatabase(join(directory, 'geo'), 'city', { '81.2.69.0/24': nested('JP', 36, 140) })
  })
  t.match(mended, { msg: /city\.mmdb read/ })
  t.not((await ask()).region, 'paris')
})

t.test('a volume that Kubernetes swaps is noticed, again and again', async t => {
  const directory = t.testdir({})
  const mount = join(directory, 'mount')
  mkdirSync(mount)
  /** As the kubelet does: a new folder, and a link that is renamed over the one before. */
  const project = (version: number, region: string): void => {
    const folder = join(mount, `..v${version}`)
    mkdirSync(folder)
    writeFileSync(join(folder, `${region}.json`), JSON.stringify(exampleRegion(region)))
    symlinkSync(`..v${version}`, join(mount, '..data_tmp'))
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'))
    if (version > 1) {
      rmSync(join(mount, `region-${version - 1}.json`))
      rmSync(join(mount, `..v${version - 1}`), { recursive: true })
    }
    symlinkSync(`..data/${region}.json`, join(mount, `${region}.json`))
  }
  project(1, 'region-1')
  writeFileSync(
    join(directory, 'meridian.yaml'),
    yaml()
      .replace('directory: regions, defaultOrder: [paris]', 'directory: mount')
      .replace(/^geo:.*$/m, ''),
  )
  const { nextReload } = await start(t, directory)
  for (const version of [2, 3, 4]) {
    t.match(await nextReload(() => project(version, `region-${version}`)), {
      msg: `reloaded: regions added: region-${version}; regions removed: region-${version - 1}`,
    })
  }
})

t.test('asked to reload, the router says so even where nothing has changed', async t => {
  const { meridian, reloads } = await start(t, layOut(t))
  await meridian.reload()
  t.match(reloads(), [{ msg: 'reloaded: nothing has changed' }])
})

t.test('SIGHUP reloads a router that was started from the command line', async t => {
  const directory = layOut(t)
  const command = startMeridianCommand(['serve', '--config', join(directory, 'meridian.yaml')])
  t.teardown(() => command.process.kill('SIGKILL'))
  await command.until('stderr', /serves clients/)
  command.process.kill('SIGHUP')
  await command.until('stdout', /"msg":"reloaded: nothing has changed"/)
  command.process.kill('SIGTERM')
  t.match(await command.result, { exitCode: 0 })
})

t.test('a database that is downloaded is taken up by the running router', async t => {
  const june = new Date('2026-06-01T10:00:00Z')
  const server = await startMaxmindServer(t, { archive: archiveOf(cityDatabase(june)), lastModified: june })
  const directory = layOut(t)
  const update = `{ accountId: ${account.accountId}, licenseKey: "${account.licenseKey}", url: "${server.url}" }`
  const files = '[geo/GeoLite2-City.mmdb, geo/city.mmdb]'
  writeFileSync(join(directory, 'meridian.yaml'), yaml().replace('[geo/city.mmdb]', `${files}, update: ${update}`))
  const { lines, nextReload, metrics } = await start(t, directory)
  await lines.until(seen => seen.some(({ msg }) => /GeoLite2-City\.mmdb read, built 2026-06-01/.test(String(msg))))
  t.match(
    lines.seen.find(({ msg }) => msg === 'geo update: updated'),
    { edition: 'GeoLite2-City', builtAt: june.toISOString() },
  )
  t.notMatch(JSON.stringify(lines.seen), account.licenseKey)
  t.match(await metrics(), /^meridian_last_geo_update_success\{edition="GeoLite2-City"\} 1$/m)

  t.match(await nextReload(() => rmSync(join(directory, 'geo/GeoLite2-City.mmdb'))), {
    msg: 'a reload was refused; what ran runs on',
    faults: [/GeoLite2-City\.mmdb: no such file/],
  })
})

t.test('requests under load lose nothing, and old databases are let go, over 50 reloads', async t => {
  const directory = layOut(t, { rules: '[{ name: pinned, match: { path: /a }, lastResort: paris }]' })
  const { meridian, ask, reloads, lines } = await start(t, directory)
  const kinds = (await loadLocator({ databases: [join(directory, 'geo/city.mmdb')] })).constructor

  let reloading = true
  let answers = 0
  const wrong: unknown[] = []
  const clients = Array.from({ length: 4 }, async () => {
    while (reloading) {
      const answer = await ask('/a').catch(error => error)
      answers++
      if (answer.status !== 307 || !['paris', 'tokyo'].includes(answer.region)) wrong.push(answer)
    }
  })
  for (let round = 0; round < 50; round++) {
    const [country, latitude, longitude] = round % 2 === 0 ? (['JP', 36, 140] as const) : (['FR', 49, 2] as const)
    const next = writeDatabase(directory, 'next', { '81.2.69.0/24': nested(country, latitude, longitude) })
    renameSync(next, join(directory, 'geo/city.mmdb'))
    if (round % 2 === 0) writeRegion(directory, 'extra', { latitude: -34, longitude: 151 })
    else rmSync(join(directory, 'regions/extra.json'))
    const rules = `[{ name: pinned, match: { path: /a }, lastResort: ${round % 2 === 0 ? 'extra' : 'paris'} }]`
    writeFileSync(join(directory, 'meridian.yaml'), yaml({ rules }))
    await meridian.reload()
  }
  reloading = false
  await Promise.all(clients)
  t.same(wrong, [])
  t.ok(answers > 50, `${answers} answers`)
  t.same(
    lines.seen.filter(({ level }) => level === 'error'),
    [],
  )
  t.ok(reloads().length >= 50)
  t.ok(
    Number(queryObjects(kinds, { format: 'count' })) <= 2,
    'of all locators only the one in use, and at most one more, are left',
  )
})

t.test('who may call, and what may register, changes with the file; listeners do not', async t => {
  const directory = layOut(t)
  const control = (more: string) => {
    const listen = 'listen: { address: 127.0.0.1, port: 0 }'
    writeFileSync(join(directory, 'meridian.yaml'), yaml().replace(listen, `${listen}, ${more}`))
  }
  const entry = (text: string) => {
    const { name, sha256 } = token(text, [])
    return `{ name: ${name}, sha256: ${sha256} }`
  }
  control(`tokens: [${entry('old')}], allowedEndpoints: ['*.old.example']`)
  const { meridian, nextReload } = await start(t, directory)
  const register = async (bearerText: string, host: string) => {
    const { id, ...region } = exampleRegion('new', { endpoints: { publicUrl: `https://a.${host}` } })
    const response = await fetch(`${meridian.controlUrl}/v1/regions/${id}`, {
      method: 'PUT',
      headers: { ...bearer(bearerText), 'content-type': 'application/json' },
      body: JSON.stringify(region),
    })
    const { code } = (await response.json()) as { code?: string }
    return code ?? response.status
  }
  t.equal(await register('new', 'old.example'), 'TOKEN_UNKNOWN')
  t.equal(await register('old', 'new.example'), 'ENDPOINT_FORBIDDEN')
  t.equal(await register('old', 'old.example'), 201)

  const line = await nextReload(() =>
    control(
      `tokens: [${entry('new')}], allowedEndpoints: ['*.new.example'], hosts: [a.example], tls: { cert: a, key: b }`,
    ),
  )
  const settings = ['control.allowedEndpoints', 'control.hosts', 'control.tokens']
  t.same([...(line['settings'] as string[])].sort(), settings)
  t.same(line['needRestart'], ['control.tls'])
  t.equal(await register('old', 'new.example'), 'TOKEN_UNKNOWN', 'a token that was taken out')
  t.equal(await register('new', 'old.example'), 'ENDPOINT_FORBIDDEN')
  t.equal(await register('new', 'new.example'), 200)
})
