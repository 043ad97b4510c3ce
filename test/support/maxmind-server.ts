/**
 * A server that behaves like MaxMind's download service: asks for account and license key, answers with a redirect to a
 * storage host of another origin, which sends the archive and knows conditional requests.
 */

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { MmdbWriter } from '../../src/geo/mmdb/writer.ts'
import { nested } from './geo-fixture.ts'
import { startHttpRegion } from './http-region.ts'
import { networkFrom } from './network-from.ts'
import { type TarMember, tarOf } from './tar.ts'

export const account = { accountId: '123456', licenseKey: 'kk_the-license-key_mmk' }

export interface MaxmindServer {
  readonly url: string
  /** What was asked for, in order: `download GET /geoip/…`, `storage GET /…`. */
  readonly requests: readonly string[]
  /** The archive on offer from now on, and its checksum. */
  offer(archive: Offer): void
  /** Answers the next request for an archive in another way, at the storage host or before the redirect. */
  failNext(where: 'download' | 'storage', answer: Answer): void
}

export interface Offer {
  readonly archive: Buffer
  readonly lastModified: Date
  /** Where it is not that of the archive. */
  readonly sha256?: string
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

interface Owner {
  teardown(stop: () => Promise<void>): void
}

/** A database with London, or another city, at 81.2.69.0/24. */
export function cityDatabase(builtAt: Date, city = 'London'): Uint8Array {
  const writer = new MmdbWriter({ databaseType: 'GeoLite2-City', ipVersion: 6, builtAt })
  writer.insert(networkFrom('81.2.69.0/24'), nested('GB', 51.5, -0.1, city))
  return writer.toBytes()
}

export function archiveOf(database: string | Uint8Array, more: readonly TarMember[] = []): Buffer {
  const folder = 'GeoLite2-City_20260601'
  const members = [
    { name: `${folder}/`, type: '5' },
    { name: `${folder}/COPYRIGHT.txt`, content: 'All rights are theirs.' },
    { name: `${folder}/GeoLite2-City.mmdb`, content: database },
    ...more,
  ]
  return gzipSync(tarOf(members))
}

export async function startMaxmindServer(t: Owner, first: Offer): Promise<MaxmindServer> {
  let offer = first
  const requests: string[] = []
  const failures = { download: [] as Answer[], storage: [] as Answer[] }
  const authorization = `Basic ${Buffer.from(`${account.accountId}:${account.licenseKey}`).toString('base64')}`

  const storage = await startHttpRegion(t, (request, response) => {
    requests.push(`storage ${request.method} ${request.url}`)
    // A signed URL and a header with credentials together are refused, as by other storage services.
    if (request.headers.authorization !== undefined) return void response.writeHead(400).end('two ways to sign in')
    const failure = failures.storage.shift()
    if (failure !== undefined) return failure(request, response)
    const since = Date.parse(request.headers['if-modified-since'] ?? '')
    const modified = Math.floor(offer.lastModified.getTime() / 1000) * 1000
    if (since >= modified) return void response.writeHead(304).end()
    const headers = { 'content-type': 'application/gzip', 'last-modified': offer.lastModified.toUTCString() }
    response.writeHead(200, headers).end(offer.archive)
  })
  const service = await startHttpRegion(t, (request, response) => {
    requests.push(`download ${request.method} ${request.url}`)
    if (request.headers.authorization !== authorization) {
      return void response.writeHead(401).end(`Invalid license key: ${request.headers.authorization}`)
    }
    const { pathname, searchParams } = new URL(request.url!, 'http://service')
    if (pathname !== '/geoip/databases/GeoLite2-City/download') return void response.writeHead(404).end()
    if (searchParams.get('suffix') === 'tar.gz.sha256') {
      const sha256 = offer.sha256 ?? createHash('sha256').update(offer.archive).digest('hex')
      return void response.end(`${sha256}  GeoLite2-City_20260601.tar.gz\n`)
    }
    const failure = failures.download.shift()
    if (failure !== undefined) return failure(request, response)
    response
      .writeHead(302, { location: `${storage.url}/GeoLite2-City_20260601.tar.gz?signature=secret-signature` })
      .end()
  })
  return {
    url: service.url,
    requests,
    offer(next) {
      offer = next
    },
    failNext: (where, answer) => failures[where].push(answer),
  }
}
