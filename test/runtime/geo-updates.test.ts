import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogger } from '../../src/observe/log.ts'
import { createGeoUpdates } from '../../src/runtime/geo-updates.ts'
import { createFakeClock } from '../support/clocks.ts'
import { account, archiveOf, cityDatabase, startMaxmindServer } from '../support/maxmind-server.ts'
import { createRecorder } from '../support/recorder.ts'

const june = new Date('2026-06-01T10:00:00Z')
const hour = 3_600_000

async function arrange(t: Test) {
  const server = await startMaxmindServer(t, { archive: archiveOf(cityDatabase(june)), lastModified: june })
  const file = join(t.testdir({}), 'GeoLite2-City.mmdb')
  const clock = createFakeClock()
  const lines = createRecorder<Record<string, unknown>>()
  const log = createLogger({ level: 'info' }, { write: line => lines.note(JSON.parse(line)) })
  let updates = 0
  const options = {
    fetch: (url: URL, init: RequestInit) => fetch(url, init),
    clock,
    random: () => 0.5,
    log,
    onUpdate: () => updates++,
  }
  const geoUpdates = createGeoUpdates(options)
  t.teardown(() => geoUpdates.close())
  const edition = { name: 'GeoLite2-City', file, kind: 'database' as const }
  const settings = { ...account, url: server.url, editions: [edition], everyMs: 24 * hour }
  /** Lets the time pass and resolves with the line that says what came of it. */
  const after = async (ms: number) => {
    const count = lines.seen.length
    clock.advance(ms)
    await lines.until(seen => seen.length > count)
    return lines.seen[count]!
  }
  return { server, file, clock, geoUpdates, settings, after, lines, updates: () => updates }
}

t.test('a missing database is fetched at once, then looked after at the interval', async t => {
  const { server, geoUpdates, settings, after, updates } = await arrange(t)
  geoUpdates.use(settings)
  t.match(await after(0), { level: 'info', msg: 'geo update: updated' })
  t.equal(updates(), 1)
  t.match(await after(24 * hour), { level: 'info', msg: 'geo update: unchanged' })
  t.equal(updates(), 1, 'nothing to take up')
  const july = new Date('2026-07-01T10:00:00Z')
  server.offer({ archive: archiveOf(cityDatabase(july)), lastModified: july })
  t.match(await after(24 * hour), { msg: 'geo update: updated', builtAt: july.toISOString() })
  t.equal(updates(), 2)
})

t.test('failures are tried again later and later, and never before the server wants it', async t => {
  const { server, geoUpdates, settings, after } = await arrange(t)
  const fail = (status: number, headers = {}) =>
    server.failNext('download', (_, response) => response.writeHead(status, headers).end())
  geoUpdates.use(settings)
  let waitMs = 0
  for (const [status, headers, expectedSeconds] of [
    [503, {}, 60],
    [500, {}, 120],
    [429, { 'retry-after': '3600' }, 3780],
    [503, {}, 480],
    [403, {}, 86_400],
  ] as const) {
    fail(status, headers)
    const line = await after(waitMs)
    t.match(line, {
      level: 'error',
      retryInSeconds: expectedSeconds,
      msg: /^geo update: GeoLite2-City: .*; the database in use stays$/,
    })
    waitMs = expectedSeconds * 1000
  }
  t.match(await after(waitMs), { msg: 'geo update: updated' })
})

t.test('one that is there is not asked about at every start, and after the end nothing is', async t => {
  const { server, file, clock, geoUpdates, settings, after } = await arrange(t)
  writeFileSync(file, cityDatabase(june))
  geoUpdates.use(settings)
  clock.advance(hour)
  t.same(server.requests, [])
  t.match(await after(hour), { msg: 'geo update: unchanged' })
  geoUpdates.use({ ...settings, everyMs: hour })
  t.equal(clock.pending, 1, 'the new schedule takes the place of the old one')
  geoUpdates.close()
  t.equal(clock.pending, 0)
})
