/**
 * Notices that a clone has newer sources than what was built from them, as after `git pull`: the command would be the one
 * of before, and its user would look for a fault.
 *
 * A package and a container have no sources, and so nothing to compare.
 */

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** @param directory of the package @returns what to tell; undefined where the build is up to date, or there are no sources */
export function staleBuildWarning(directory: string): string | undefined {
  const builtAt = timeOf(join(directory, 'dist/cli/meridian.js'))
  if (builtAt === undefined) return undefined
  const newer = sourcesIn(join(directory, 'src')).find(file => (timeOf(join(directory, 'src', file)) ?? 0) > builtAt)
  if (newer === undefined) return undefined
  return `src/${newer} is newer than what runs here, which was built before: run npm run build`
}

function sourcesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  } catch {
    return []
  }
}

/** Of the last change, in ms. */
function timeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}
