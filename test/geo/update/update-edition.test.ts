import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Fetch } from '../../../src/geo/update/download.ts'
import { retryOf } from '../../../src/geo/update/download-error.ts'
import { type UpdateOptions, updateEdition } from '../../../src/geo/update/update-edition.ts'
import { realClock } from '../../support/clocks.ts'
import { writeTo } from '../../support/geo-fixture.ts'
import { closedPort } from '../../support/http-region.ts'
import { account, archiveOf, cityDatabase, type Offer, startMaxmindServer } from '../../support/maxmind-server.ts'
import { tarOf } from '../../support/tar.ts'

const fetch: Fetch = (url, init) => globalThis.fetch(url, init)
const may = new Date('2026-05-01T10:00:00Z')
const june = new Date('2026-06-01T10:00:00Z')
const old = cityDatabase(may, 'Londinium')
const fresh = cityDatabase(june)
const offerOf = (archive: Buffer): Offer => ({ archive, lastModified: june })

/** A folder with an old database in it, a server with a new one, and a function that updates. */
async function arrange(t: Test, offer: Offer = offerOf(archiveOf(fresh))) {
  const server = await startMaxmindServer(t, offer)
  const directory = t.testdir({})
  const file = writeTo(directory, 'GeoLite2-City.mmdb', old)
  const update = (more: Partial<UpdateOptions> = {}, changes: Partial<typeof account & { url: string }> = {}) =>
    updateEdition(
      { name: 'GeoLite2-City', file, kind: 'database' },
      { ...account, url: server.url, ...changes },
      { fetch, clock: realClock, force: true, ...more },
    )
  return { server, directory, file, update }
}

/** Rejects as expected, without a secret in any form of the error, and leaves everything as it was. */
async function refuses(
  t: Test,
  { directory, file }: { directory: string; file: string },
  update: Promise<unknown>,
  expected: object,
  what: string,
) {
  const error = await update.then(
    () => t.fail(`${what}: was not refused`),
    reason => reason as Error,
  )
  t.match(error, expected, what)
  const everything = `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`
  for (const secret of [
    account.licenseKey,
    Buffer.from(`${account.accountId}:${account.licenseKey}`).toString('base64'),
    'secret-signature',
  ]) {
    t.notOk(everything.includes(secret), `${what}: no secret is told`)
  }
  t.ok(readFileSync(file).equals(old), `${what}: the old database stays`)
  t.same(readdirSync(directory), ['GeoLite2-City.mmdb'], `${what}: nothing is left behind`)
  return error
}

t.test('a new database replaces the old one, and is not fetched again', async t => {
  const { server, directory, file, update } = await arrange(t)
  t.match(await update(), { outcome: 'updated', edition: 'GeoLite2-City', file, builtAt: june })
  t.ok(readFileSync(file).equals(fresh))
  t.same(statSync(file).mtime, june, 'its time is that of the publication')
  t.same(readdirSync(directory), ['GeoLite2-City.mmdb'])
  t.same(server.requests, [
    'download GET /geoip/databases/GeoLite2-City/download?suffix=tar.gz',
    'storage GET /GeoLite2-City_20260601.tar.gz?signature=secret-signature',
    'download GET /geoip/databases/GeoLite2-City/download?suffix=tar.gz.sha256',
  ])

  t.match(await update({ force: false }), { outcome: 'unchanged', builtAt: june })
  t.equal(server.requests.length, 5, 'one request and its redirect, no checksum')

  const july = new Date('2026-07-01T10:00:00Z')
  server.offer({ archive: archiveOf(cityDatabase(july)), lastModified: july })
  t.match(await update({ force: false }), { outcome: 'updated', builtAt: july })
})

t.test('a server that knows no conditional requests is understood as well', async t => {
  const { server, update } = await arrange(t)
  await update()
  server.failNext('storage', (_, response) => {
    response.writeHead(200, { 'last-modified': june.toUTCString() }).write('the beginning of an archive')
  })
  t.match(await update({ force: false }), { outcome: 'unchanged', builtAt: june })
})

t.test('a database that is missing or broken is fetched whatever its age', async t => {
  const { file, update } = await arrange(t)
  await update()
  truncateSync(file, 100)
  t.match(await update({ force: false }), { outcome: 'updated' })
  t.ok(readFileSync(file).equals(fresh))
})

t.test('a folder that is not there is made', async t => {
  const { directory, server } = await arrange(t)
  const file = join(directory, 'new/folder/GeoLite2-City.mmdb')
  const edition = { name: 'GeoLite2-City', file, kind: 'database' as const }
  t.match(await updateEdition(edition, { ...account, url: server.url }, { fetch, clock: realClock }), {
    outcome: 'updated',
  })
  t.ok(existsSync(file))
})

t.test('a link is followed, not replaced', async t => {
  const { directory, server, file } = await arrange(t)
  const link = join(directory, 'link.mmdb')
  symlinkSync('GeoLite2-City.mmdb', link)
  const edition = { name: 'GeoLite2-City', file: link, kind: 'database' as const }
  await updateEdition(edition, { ...account, url: server.url }, { fetch, clock: realClock, force: true })
  t.ok(lstatSync(link).isSymbolicLink())
  t.ok(readFileSync(file).equals(fresh))
})

t.test('what the server refuses is told in words, and whether to try again', async t => {
  const place = await arrange(t)
  const { server, update } = place
  const answer = (status: number, headers: Record<string, string> = {}) =>
    server.failNext('download', (_, response) => response.writeHead(status, headers).end(account.licenseKey))

  await refuses(
    t,
    place,
    update({}, { licenseKey: 'wrong' }),
    {
      code: 'GEO_UPDATE_REFUSED',
      message: /^GeoLite2-City: 127\.0\.0\.1:\d+ does not take the license key of account 123456: check geo\.update/,
    },
    '401',
  )
  await refuses(
    t,
    place,
    update({}, { url: `${server.url}/elsewhere` }),
    { code: 'GEO_UPDATE_FAILED', message: /check geo\.update\.editions/ },
    '404',
  )
  const asked = { 'retry-after': '120' }
  const date = { 'retry-after': 'Mon, 01 Jun 2026 10:01:00 GMT', date: 'Mon, 01 Jun 2026 10:00:00 GMT' }
  for (const [status, headers, message, retryable, retryAfterMs] of [
    [403, {}, /does not let account 123456 download/, false, undefined],
    [429, asked, /too often, and asks to wait 120 s$/, true, 120_000],
    [429, date, /asks to wait 60 s$/, true, 60_000],
    [429, {}, /too often$/, true, undefined],
    [500, {}, /answers with status 500$/, true, undefined],
    [503, asked, /answers with status 503, and asks to wait 120 s$/, true, 120_000],
    [304, {}, /answers with status 304$/, false, undefined],
    [418, {}, /answers with status 418$/, false, undefined],
  ] as const) {
    answer(status, headers)
    const error = await refuses(t, place, update(), { message }, `${status} ${JSON.stringify(headers)}`)
    t.match(retryOf(error), { retryable })
    t.equal(retryOf(error).retryAfterMs, retryAfterMs)
  }
  server.failNext('storage', (_, response) => response.writeHead(403).end('expired'))
  const error = await refuses(t, place, update(), { message: /answers with status 403$/ }, 'an expired signature')
  t.match(retryOf(error), { retryable: true }, 'the next redirect has another one')
})

t.test('redirects that lead astray are not followed', async t => {
  const place = await arrange(t)
  const { server, update } = place
  const redirect = (headers: Record<string, string>) =>
    server.failNext('download', (_, response) => response.writeHead(302, headers).end())
  redirect({})
  await refuses(t, place, update(), { message: /redirects to nowhere/ }, 'no location')
  redirect({ location: 'ftp://127.0.0.1/x?signature=secret-signature' })
  await refuses(
    t,
    place,
    update(),
    { message: /redirects to ftp:\/\/127\.0\.0\.1; expected https/ },
    'another protocol',
  )
  for (let i = 0; i < 6; i++) redirect({ location: '/geoip/databases/GeoLite2-City/download?suffix=tar.gz' })
  await refuses(t, place, update(), { message: /redirects more than 5 times/ }, 'in circles')
})

t.test('nothing that was asked for over https is fetched in the open', async t => {
  const place = await arrange(t)
  const asked: string[] = []
  const insecure: Fetch = async url => {
    asked.push(url.href)
    return new Response(null, { status: 302, headers: { location: 'http://storage.example.com/x' } })
  }
  const update = place.update({ fetch: insecure }, { url: 'https://download.example.com' })
  await refuses(t, place, update, { message: /redirects to http:\/\/storage\.example\.com; expected https/ }, 'http')
  t.equal(asked.length, 1)
})

t.test('a connection that fails is told with its reason', async t => {
  const place = await arrange(t)
  const { server, update } = place
  const nowhere = await closedPort()
  const error = await refuses(
    t,
    place,
    update({}, { url: `http://${nowhere}` }),
    { message: `GeoLite2-City: ${nowhere} cannot be reached: ECONNREFUSED` },
    'refused',
  )
  t.match(retryOf(error), { retryable: true })
  server.failNext('storage', (_, response) => {
    response.writeHead(200, { 'content-length': '100000' }).write('x'.repeat(1000), () => response.destroy())
  })
  t.match(retryOf(await refuses(t, place, update(), { message: /broke off: / }, 'truncated')), { retryable: true })
  server.failNext('storage', (_, response) =>
    response.writeHead(200, { connection: 'close' }).end(archiveOf(fresh).subarray(0, 200)),
  )
  t.match(
    retryOf(await refuses(t, place, update(), { message: /SHA-256 [0-9a-f]{64}; expected/ }, 'truncated unnoticed')),
    { retryable: true },
  )
})

t.test('a server that falls silent or trickles is given up', async t => {
  const place = await arrange(t)
  const { server, update } = place
  server.failNext('download', () => {})
  await refuses(t, place, update({ limits: { stallMs: 50 } }), { message: /has been silent for 0\.05 s$/ }, 'no answer')
  server.failNext('storage', (_, response) => response.writeHead(200).write('x'))
  await refuses(t, place, update({ limits: { stallMs: 50 } }), { message: /has been silent for 0\.05 s$/ }, 'silence')
  server.failNext('storage', (_, response) => {
    const timer = setInterval(() => response.write('x'), 5)
    response.once('close', () => clearInterval(timer))
  })
  const error = await refuses(
    t,
    place,
    update({ limits: { totalMs: 200 } }),
    { message: /is not done after 0\.2 s$/ },
    'a trickle',
  )
  t.match(retryOf(error), { retryable: true })
})

t.test('an archive that is not what it should be changes nothing', async t => {
  const way = { name: 'GeoLite2-City_20260601/../../../etc/x', content: 'x' }
  for (const [what, offer, message] of [
    [
      'a wrong checksum',
      { ...offerOf(archiveOf(fresh)), sha256: '0'.repeat(64) },
      /SHA-256 [0-9a-f]{64}; expected 0{64}/,
    ],
    ['no checksum', { ...offerOf(archiveOf(fresh)), sha256: '<html>' }, /sent no SHA-256/],
    ['../ in it', offerOf(archiveOf(fresh, [way])), /leads out of its folder/],
    ['a link in it', offerOf(archiveOf(fresh, [{ name: 'x', type: '2' }])), /is a symbolic link/],
    [
      'no database',
      offerOf(gzipSync(tarOf([{ name: 'GeoLite2-City_20260601/README.txt' }]))),
      /has no GeoLite2-City_YYYYMMDD/,
    ],
    ['a broken database', offerOf(archiveOf(fresh.subarray(0, -10))), /in the metadata|no metadata/],
    ['a database cut in the tree', offerOf(archiveOf(fresh.subarray(40))), /GeoLite2-City\.mmdb: /],
    ['no gzip', offerOf(Buffer.from('<html>not found</html>')), /cannot be unpacked: incorrect header/],
    ['half a gzip', offerOf(archiveOf(fresh).subarray(0, -30)), /cannot be unpacked: unexpected end/],
    ['an empty database', offerOf(archiveOf('')), /no metadata/],
  ] as const) {
    const place = await arrange(t, offer)
    await refuses(t, place, place.update(), { message }, what)
  }
})

t.test('sizes have limits', async t => {
  const place = await arrange(t)
  await refuses(
    t,
    place,
    place.update({ limits: { archiveBytes: 100 } }),
    { message: /sends more than 100 bytes/ },
    'archive',
  )
  await refuses(
    t,
    place,
    place.update({ limits: { databaseBytes: 100 } }),
    { message: /expected at most 100/ },
    'database',
  )
})

t.test('a folder that cannot be written to is told', async t => {
  const place = await arrange(t)
  const file = join(place.file, 'GeoLite2-City.mmdb')
  const edition = { name: 'GeoLite2-City', file, kind: 'database' as const }
  const update = updateEdition(edition, { ...account, url: place.server.url }, { fetch, clock: realClock })
  await refuses(t, place, update, { code: 'GEO_UPDATE_FAILED', message: /^GeoLite2-City: E/ }, 'a file in the way')
})
