/** What a router is built from beside its configuration: databases, overrides and region files, read all at once. */

import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'
import { crossCheck, findUnknownRegions } from '../config/cross-check.ts'
import { combineErrors, MeridianError } from '../errors.ts'
import type { Pin } from '../geo/location.ts'
import { type LoadedLocator, LocatorLoader } from '../geo/locator-loader.ts'
import { loadOverrides, pinsOf } from '../geo/overrides.ts'
import { withoutAwaited } from '../geo/update/editions.ts'
import type { Region } from '../regions/region.ts'
import { readRegionFiles, readRegionIds } from '../regions/region-files.ts'

export interface Inputs {
  readonly config: Config
  readonly geo: LoadedLocator
  readonly regions: readonly Region[]
  /** What works, but probably not as meant. */
  readonly warnings: readonly string[]
}

export class InputReader {
  readonly #given: readonly Region[] | undefined
  readonly #locators = new LocatorLoader()

  /** @param given used instead of the files in `regions.directory` */
  constructor(given: readonly Region[] | undefined) {
    this.#given = given
  }

  /**
   * Reads everything before it complains, so that all faults are found in one go.
   *
   * @param before what of it has not changed is taken over as the very same objects
   * @throws MeridianError with every fault
   */
  async read(config: Config, before?: Inputs): Promise<Inputs> {
    const { directory } = config.regions
    const [geo, regions] = await Promise.allSettled([
      this.#loadGeo(config.geo, before?.geo.states),
      this.#given ?? (directory === undefined ? [] : readRegionFiles(directory)),
    ])
    if (geo.status === 'rejected' || regions.status === 'rejected') {
      const faults = [geo, regions].flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []))
      throw together([...faults, ...(await this.#unknownNames(config, geo, regions))])
    }
    const { faults, warnings } = crossCheck(config, regions.value, geo.value.locator.pins)
    if (faults.length > 0) throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
    return { config, geo: geo.value, regions: keepSame(regions.value, before?.regions ?? []), warnings }
  }

  /** What can be said of names while some files are faulty: a faulty folder of regions still has names of files. */
  async #unknownNames(
    config: Config,
    geo: PromiseSettledResult<LoadedLocator>,
    regions: PromiseSettledResult<readonly Region[]>,
  ): Promise<MeridianError[]> {
    const { directory } = config.regions
    const ids =
      regions.status === 'fulfilled'
        ? regions.value.map(({ id }) => id)
        : await readRegionIds(directory!).catch(() => undefined)
    if (ids === undefined) return []
    const pins = geo.status === 'fulfilled' ? geo.value.locator.pins : await readPins(config.geo.overrides)
    const { faults } = findUnknownRegions(config, ids, pins)
    return faults.length === 0 ? [] : [new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })]
  }

  async #loadGeo(geo: Config['geo'], known: LoadedLocator['states'] = new Map()): Promise<LoadedLocator> {
    const { databases, asn, overrides, update } = geo
    // One that was there and is gone is not awaited but missed.
    const awaited = update?.editions.filter(({ file }) => !known.has(file)) ?? []
    return this.#locators.load(withoutAwaited({ databases, asn, overrides }, awaited))
  }
}

/** One that is no fault of the operator's goes before all others. */
function together(errors: readonly unknown[]): unknown {
  const ours = errors.find(error => !(error instanceof MeridianError))
  return ours ?? combineErrors(errors as readonly MeridianError[])
}

/** Of overrides beside a faulty database; none of faulty ones, whose own faults are told. */
async function readPins(file: string | undefined): Promise<readonly Pin[]> {
  if (file === undefined) return []
  return loadOverrides(file).then(pinsOf, () => [])
}

/** Whoever holds plans for a region need not drop them because its file was read again. */
function keepSame(regions: readonly Region[], before: readonly Region[]): readonly Region[] {
  const known = new Map(before.map(region => [region.id, region]))
  const kept = regions.map(region => {
    const old = known.get(region.id)
    return isDeepStrictEqual(old, region) ? old! : region
  })
  const isSame = kept.length === before.length && kept.every((region, index) => region === before[index])
  return isSame ? before : kept
}
