/** The scenarios that are shipped, as worlds. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageDirectory } from '../../src/paths.ts'
import { readRegionFiles } from '../../src/regions/region-files.ts'
import { loadCities } from '../../src/sim/cities.ts'
import { parseScenario } from '../../src/sim/scenario/parse-scenario.ts'
import type { World } from '../../src/sim/world.ts'

export const scenarioFolder = join(packageDirectory, 'examples/scenarios')

const readText = (path: string): Promise<string> => readFile(path, 'utf8')

/** @param name of the file, without its ending */
export async function shippedScenario(name: string): Promise<World> {
  const file = join(scenarioFolder, `${name}.yaml`)
  const cities = await loadCities(join(packageDirectory, 'data/cities.json'))
  return parseScenario(await readText(file), file, { cities, readRegions: readRegionFiles, readText })
}
