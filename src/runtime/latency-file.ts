/**
 * Measured round trips on disk, so that a restart does not forget them: one line of JSON, then rows of fixed length. Written
 * whole or not at all, a little at a time, since there may be a million networks.
 */

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import Type, { type Static } from 'typebox'
import type { LatencyModel } from '../routing/latency/latency-model.ts'
import { checker, formatFault } from '../schema.ts'
import { stateFolder } from './last-snapshot.ts'

const Header = Type.Object(
  {
    version: Type.Literal(1),
    fleet: Type.String(),
    /** Of the rows, seconds since 1970. */
    at: Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }),
    /** Up to where samples of other routers are in it. */
    position: Type.Optional(Type.String({ pattern: '^\\d{1,20}-\\d{1,20}$' })),
    regions: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 65_535 }),
    sources: Type.Array(Type.String({ maxLength: 255 }), { maxItems: 256 }),
  },
  { additionalProperties: false },
)
type Header = Static<typeof Header>
const checkHeader = checker(Header)

const rowBytes = 28
const rowsAtOnce = 10_000

/**
 * Where it is kept unless the operator says otherwise: one file for each router of each fleet.
 *
 * @param snapshotFile where the operator has the fleet kept: a folder that can be written to
 */
export function defaultLatencyFile(
  fleet: string,
  router: string,
  snapshotFile: string | undefined,
  environment: NodeJS.ProcessEnv,
): string {
  const folder = snapshotFile === undefined ? stateFolder(environment) : dirname(snapshotFile)
  return join(folder, `${fleet}.${router}.latency`)
}

/**
 * @param position up to where samples of others are in the model
 * @returns false where there was nothing to keep; a file that is there stays then
 */
export async function writeLatencyFile(
  file: string,
  fleet: string,
  model: LatencyModel,
  now: number,
  position: string | undefined,
): Promise<boolean> {
  const rows = model.kept(now)
  let chunk = nextRows(rows)
  if (chunk.length === 0) return false
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    // Names first: samples that come meanwhile may add some, whose rows are then passed over.
    const header: Header = {
      ...{ version: 1, fleet, at: Math.floor(now / 1000) },
      ...(position !== undefined && { position }),
      ...{ regions: [...model.regions.names], sources: [...model.sources.names] },
    }
    await handle.write(`${JSON.stringify(header)}\n`)
    for (; chunk.length > 0; chunk = nextRows(rows)) await handle.write(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
  return true
}

function nextRows(rows: ReturnType<LatencyModel['kept']>): Buffer {
  const chunk = Buffer.allocUnsafe(rowsAtOnce * rowBytes)
  let at = 0
  while (at < chunk.length) {
    const next = rows.next()
    if (next.done === true) break
    const { key, table, region, source, mean, spread, count } = next.value
    for (const word of key) at = chunk.writeInt32LE(word, at)
    at = chunk.writeUInt16LE(region, at)
    at = chunk.writeUInt8(source, at)
    at = chunk.writeUInt8(table, at)
    for (const number of [mean, spread, count]) at = chunk.writeFloatLE(number, at)
  }
  return chunk.subarray(0, at)
}

/**
 * Puts what was kept into an empty model.
 *
 * @param onFault told why there is nothing, where a file is there
 * @returns the position that `writeLatencyFile` was given
 */
export async function readLatencyFile(
  file: string,
  fleet: string,
  model: LatencyModel,
  onFault: (message: string) => void,
): Promise<string | undefined> {
  let content: Buffer
  try {
    content = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFault(`measured latency: ${(error as Error).message}`)
    return undefined
  }
  const end = content.indexOf('\n')
  const header = readHeader(content.toString('utf8', 0, Math.max(0, end)))
  const problem =
    typeof header === 'string' ? header : header.fleet !== fleet ? `it is of fleet ${header.fleet}` : undefined
  if (typeof header === 'string' || problem !== undefined) {
    onFault(`measured latency: ${file} is left out: ${problem}`)
    return undefined
  }
  restoreRows(content.subarray(end + 1), header, model)
  return header.position
}

function readHeader(text: string): Header | string {
  try {
    const checked = checkHeader(JSON.parse(text))
    return checked.ok ? checked.value : checked.faults.slice(0, 3).map(formatFault).join('; ')
  } catch {
    return 'it does not begin with a line of JSON'
  }
}

function restoreRows(rows: Buffer, { at: seconds, regions, sources }: Header, model: LatencyModel): void {
  const regionNumbers = regions.map(name => model.regions.restore(name))
  const sourceNumbers = sources.map(name => model.sources.numberOf(name))
  for (let at = 0; at + rowBytes <= rows.length; at += rowBytes) {
    const region = regionNumbers[rows.readUInt16LE(at + 12)]
    const source = sourceNumbers[rows.readUInt8(at + 14)]
    const table = rows.readUInt8(at + 15)
    const [mean, spread, count] = [16, 20, 24].map(place => rows.readFloatLE(at + place)) as [number, number, number]
    const isSound = Number.isFinite(mean) && Number.isFinite(spread) && Number.isFinite(count) && count > 0
    if (region === undefined || source === undefined || !isSound) continue
    const key = [rows.readInt32LE(at), rows.readInt32LE(at + 4), rows.readInt32LE(at + 8)] as const
    model.restore({ key, table, region, source, mean, spread, count, seconds })
  }
}
