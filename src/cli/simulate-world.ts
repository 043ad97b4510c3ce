/** From a scenario file to the worlds that `meridian simulate` runs: one for each seed. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { MeridianError, unreadable } from '../errors.ts'
import { bundledData } from '../paths.ts'
import { readRegionFiles } from '../regions/region-files.ts'
import { loadCities } from '../sim/cities.ts'
import { parseScenario } from '../sim/scenario/parse-scenario.ts'
import type { World } from '../sim/world.ts'
import type { Wanted } from './simulate-options.ts'

/**
 * At least one; they differ in nothing but their seed.
 *
 * @throws MeridianError SCENARIO_INVALID, REGION_INVALID, FILE_UNREADABLE; REQUEST_INVALID where there are too few routers
 */
export async function loadWorlds(
  file: string,
  { seeds, routers }: Pick<Wanted, 'seeds' | 'routers'>,
): Promise<World[]> {
  const text = await readText(file)
  const cities = await loadCities(bundledData('cities.json'))
  const world = await parseScenario(text, resolve(file), { cities, readRegions: readRegionFiles, readText })
  const count = routers ?? world.routers.count
  for (const change of world.changes) {
    if (change.kind !== 'cut-off' || change.router < count) continue
    const message = `--routers: expected at least ${change.router + 1}, since the scenario cuts off that one, not ${count}`
    throw new MeridianError('REQUEST_INVALID', message)
  }
  return (seeds ?? [world.seed]).map(seed => ({ ...world, seed, routers: { ...world.routers, count } }))
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(cause => {
    throw unreadable(path, cause)
  })
}
