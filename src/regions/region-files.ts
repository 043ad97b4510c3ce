/**
 * Reads the regions that an operator declares: a directory with one JSON file for each.
 *
 * All or nothing: one broken file and the whole directory is refused, with every fault of every file, so that a fleet is
 * never half what its operator wrote.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MeridianError } from '../errors.ts'
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
    const checked = parseRegion(texts[index]!)
    if (!checked.ok) {
      faults.push(...checked.faults.map(fault => `${file}: ${formatFault(fault)}`))
      return
    }
    const { id } = checked.value
    const other = fileOf.get(id)
    if (other !== undefined) faults.push(`${file}: id: ${shown(id)} stands in ${other}, too; ids are unique`)
    else if (file !== `${id}.json`) faults.push(`${file}: id: expected the name of the file, not ${shown(id)}`)
    fileOf.set(id, file)
    regions.push(checked.value)
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
  const checked = parseRegion(await readText(path))
  if (checked.ok) return checked.value
  const faults = checked.faults.map(formatFault)
  throw new MeridianError('REGION_INVALID', `${path}: ${faults.join('; ')}`, { faults })
}

async function namesOfRegionFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory)
    return names.filter(name => name.endsWith('.json') && !name.startsWith('.')).sort()
  } catch (cause) {
    throw unreadable('regions directory', directory, cause)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unreadable('region file', path, cause)
  }
}

function parseRegion(text: string): Checked<Region> {
  try {
    return inspectRegion(JSON.parse(text))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    return { ok: false, faults: [{ path: '', message: `not JSON: ${findJsonFault(text) ?? cause.message}` }] }
  }
}

function unreadable(what: string, path: string, cause: unknown): MeridianError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MeridianError('FILE_UNREADABLE', `the ${what} ${path} cannot be read: ${reason}`, { cause })
}
