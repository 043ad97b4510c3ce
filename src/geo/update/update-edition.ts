/**
 * Brings one database up to date: fetched if there is a newer one, compared with its checksum, unpacked beside the one in
 * use, read whole, and only then put in its place. Whatever goes wrong on the way, the one in use stays.
 *
 * The file's time of modification is MaxMind's `Last-Modified`: that is all that the next update needs to know.
 */

import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { type ErrorCode, MeridianError } from '../../errors.ts'
import { loadCountryPoints } from '../load-country-points.ts'
import { loadAsns, loadPlaces } from '../load-database.ts'
import type { SourceInfo } from '../location.ts'
import { type Download, type DownloadOptions, download, type MaxmindAccount } from './download.ts'
import { DownloadError, retryOf } from './download-error.ts'
import type { Edition } from './editions.ts'
import { readArchive } from './read-archive.ts'
import { replaceFile } from './replace-file.ts'

export interface UpdateOptions extends Pick<DownloadOptions, 'fetch' | 'clock' | 'signal'> {
  /** Fetches even what has not changed. */
  readonly force?: boolean | undefined
  readonly limits?: Partial<UpdateLimits> | undefined
}

export interface UpdateLimits {
  readonly archiveBytes: number
  readonly databaseBytes: number
  readonly stallMs: number
  readonly totalMs: number
}

/** Several times what the largest of MaxMind's databases needs. */
export const defaultUpdateLimits: UpdateLimits = {
  archiveBytes: 1024 ** 3,
  databaseBytes: 2 * 1024 ** 3,
  stallMs: 30_000,
  totalMs: 30 * 60_000,
}

export interface EditionUpdate {
  readonly outcome: 'updated' | 'unchanged'
  readonly edition: string
  readonly file: string
  /** Of the database that is in place now. */
  readonly builtAt: Date
}

/** @throws MeridianError (often a DownloadError) that names the edition; the file is then as it was */
export async function updateEdition(
  edition: Edition,
  account: MaxmindAccount,
  options: UpdateOptions,
): Promise<EditionUpdate> {
  const { name } = edition
  try {
    // A link is followed, not replaced.
    const file = await realpath(edition.file).catch(() => edition.file)
    const present = options.force ? undefined : await inspectPresent(file, edition.kind)
    const downloadOptions = { ...options, ...defaultUpdateLimits, ...options.limits }
    const path = `/geoip/databases/${name}/download?suffix=tar.gz`
    const archive = await download(account, path, { ...downloadOptions, ifModifiedSince: present?.modifiedAt })
    if (archive === undefined) {
      return { outcome: 'unchanged', edition: name, file: edition.file, builtAt: present!.builtAt }
    }
    const fetchChecksum = () => readChecksum(account, name, downloadOptions)
    const builtAt = await install({ edition, file, archive, fetchChecksum, limits: downloadOptions })
    return { outcome: 'updated', edition: name, file: edition.file, builtAt }
  } catch (error) {
    throw named(error, name)
  }
}

interface Installation {
  readonly edition: Edition
  readonly file: string
  readonly archive: Download
  readonly fetchChecksum: () => Promise<string>
  readonly limits: UpdateLimits
}

/** @returns when the database was built */
async function install({ edition, file, archive, fetchChecksum, limits }: Installation): Promise<Date> {
  let folder: string | undefined
  try {
    await mkdir(dirname(file), { recursive: true })
    // On the file system of the target, where a rename is all or nothing.
    folder = await mkdtemp(join(dirname(file), `.${edition.name}-`))
    const packed = join(folder, 'archive.tar.gz')
    const sha256 = await save(archive, packed, limits.archiveBytes)
    const expected = await fetchChecksum()
    if (sha256 !== expected) {
      const message = `${archive.host} sent an archive with SHA-256 ${sha256}; expected ${expected}`
      throw new DownloadError('GEO_UPDATE_FAILED', message, { retryable: true })
    }
    const database = join(folder, basename(edition.file))
    await unpack(packed, database, edition.name, limits.databaseBytes)
    const { builtAt } = await readWhole(database, edition.kind)
    await replaceFile(database, file, archive.lastModified)
    return builtAt!
  } finally {
    archive.cancel()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

/** @returns the SHA-256 of what was written */
async function save({ chunks, host }: Download, file: string, maxBytes: number): Promise<string> {
  const hash = createHash('sha256')
  const overflow = () =>
    new DownloadError('GEO_UPDATE_FAILED', `${host} sends more than ${maxBytes} bytes`, { retryable: false })
  await pipeline(hashed(chunks, hash, maxBytes, overflow), createWriteStream(file, { flags: 'wx' }))
  return hash.digest('hex')
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash, maxBytes: number, overflow: () => Error) {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxBytes) throw overflow()
    hash.update(chunk)
    yield chunk
  }
}

/** The first word of `<64 digits>  <edition>_YYYYMMDD.tar.gz`, as sha256sum writes it. */
async function readChecksum(account: MaxmindAccount, name: string, options: DownloadOptions): Promise<string> {
  const file = (await download(account, `/geoip/databases/${name}/download?suffix=tar.gz.sha256`, options))!
  let text = ''
  for await (const chunk of file.chunks) {
    text += Buffer.from(chunk).toString('latin1')
    if (text.length > 1024) break
  }
  const digits = /^([0-9a-f]{64})(?:\s|$)/i.exec(text)?.[1]
  if (digits !== undefined) return digits.toLowerCase()
  throw new DownloadError('GEO_UPDATE_FAILED', `${file.host} sent no SHA-256 of the archive`, { retryable: true })
}

async function unpack(packed: string, database: string, name: string, maxBytes: number): Promise<void> {
  try {
    await pipeline(
      createReadStream(packed),
      createGunzip(),
      chunks => readArchive(chunks, name, maxBytes),
      // Flushed to the disk before it is put to use.
      createWriteStream(database, { flags: 'wx', flush: true }),
    )
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (!code.startsWith('Z_')) throw error
    throw new MeridianError('GEO_DATABASE_INVALID', `the archive cannot be unpacked: ${message}`)
  }
}

/** What is in place, if it is a database in working order: a broken one is not asked about but replaced. */
async function inspectPresent(file: string, kind: Edition['kind']) {
  try {
    const { mtime } = await stat(file)
    const { builtAt } = await readWhole(file, kind)
    return { modifiedAt: new Date(Math.floor(mtime.getTime() / 1000) * 1000), builtAt: builtAt! }
  } catch {
    return undefined
  }
}

async function readWhole(file: string, kind: Edition['kind']): Promise<SourceInfo> {
  const { info } = await (kind === 'asn' ? loadAsns(file) : loadPlaces(file, await loadCountryPoints()))
  return info
}

/** The same error, in a sentence that begins with the edition. */
function named(error: unknown, edition: string): MeridianError {
  const message = `${edition}: ${(error as Error).message}`
  if (error instanceof DownloadError) return new DownloadError(error.code, message, retryOf(error))
  const code: ErrorCode = error instanceof MeridianError ? error.code : 'GEO_UPDATE_FAILED'
  return new MeridianError(code, message)
}
