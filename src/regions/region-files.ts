/**
 * Reads the regions that an operator declares: a directory with one JSON file for each.
 *
 * All or nothing: one broken file and the whole directory is refused, with every fault of every file, so that a fleet is
 * never half what its operator wrote.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MeridianError, unreadable } from '../errors.ts'
import { type Checked, formatFault, shown } from '../schema.ts'
import { inspectRegion } from './check-region.ts'
import { findJsonFault } from './json-fault.ts'
import type { Region } from './region.ts'

/**
 * The regions of every `<id>.json` in a directory, ordered by id; other files are not looked at.
 *
 * @throws MeridianError FILE_UNREADABLE; REGION_INVALID with every fault of every file
 */
export async function readRegionFiles(directory: string): Promise<Region[]> {
  const files = await namesOfRegionFiles(directory)
  const texts = await Promise.all(files.map(file => readText(join(directory, file))))
  const faults: string[] = []
  const fileOf = new Map<string, string>()
  const regions: Region[] = []
  files.forEach((file, index) => {
    const { checked, id } = parseRegion(texts[index]!)
    if (checked.ok) regions.push(checked.value)
    else faults.push(...checked.faults.map(fault => `${file}: ${formatFault(fault)}`))
    // Whatever else is wrong with a file, its name and its id have to agree.
    if (id === undefined) return
    const other = fileOf.get(id)
    if (other !== undefined) faults.push(`${file}: id: ${shown(id)} stands in ${other}, too; ids are unique`)
    else if (file !== `${id}.json`) faults.push(`${file}: id: expected the name of the file, not ${shown(id)}`)
    fileOf.set(id, file)
  })
  if (faults.length > 0) {
    throw new MeridianError('REGION_INVALID', `regions in ${directory}: ${faults.join('; ')}`, { faults })
  }
  return regions.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/**
 * The region of one file, whatever that is called.
 *
 * @throws MeridianError FILE_UNREADABLE; REGION_INVALID with every fault
 */
export async function readRegionFile(path: string): Promise<Region> {
  const { checked } = parseRegion(await readText(path))
  if (checked.ok) return checked.value
  const faults = checked.faults.map(formatFault)
  throw new MeridianError('REGION_INVALID', `${path}: ${faults.join('; ')}`, { faults })
}

/**
 * The ids that a folder's files stand for by their names, without a look into them.
 *
 * @throws MeridianError FILE_UNREADABLE
 */
export async function readRegionIds(directory: string): Promise<string[]> {
  return (await namesOfRegionFiles(directory)).map(file => file.slice(0, -'.json'.length))
}

async function namesOfRegionFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter(name => name.endsWith('.json') && !name.startsWith('.')).sort()
  } catch (cause) {
    throw unreadable(directory, cause, 'the regions folder')
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable(path, cause, 'the region file')
  }
}

interface ParsedRegion {
  readonly checked: Checked<Region>
  /** As written, where one was, be the rest as it may. */
  readonly id: string | undefined
}

function parseRegion(text: string): ParsedRegion {
  try {
    const value: unknown = JSON.parse(text)
    const id = Object(value).id as unknown
    return { checked: inspectRegion(value), id: typeof id === 'string' ? id : undefined }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const message = `not JSON: ${findJsonFault(text) ?? cause.message}`
    return { checked: { ok: false, faults: [{ path: '', message }] }, id: undefined }
  }
}
