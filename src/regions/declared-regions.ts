/** Regions from files: each router knows its own, whatever store it shares with others. */

import { isDeepStrictEqual } from 'node:util'
import type { Region } from './region.ts'

export interface Declared {
  readonly region: Region
  readonly declaredAt: number
}

export class DeclaredRegions {
  #declared: ReadonlyMap<string, Declared> = new Map()

  get(id: string): Declared | undefined {
    return this.#declared.get(id)
  }

  has(id: string): boolean {
    return this.#declared.has(id)
  }

  ids(): IterableIterator<string> {
    return this.#declared.keys()
  }

  regions(): Region[] {
    return [...this.#declared.values()].map(({ region }) => region)
  }

  /** What has not changed stays the same object, and as old as it was. */
  replace(regions: readonly Region[], now: number): { readonly changed: string[]; readonly gone: string[] } {
    const before = this.#declared
    const changed: string[] = []
    this.#declared = new Map(
      regions.map(region => {
        const known = before.get(region.id)
        if (known !== undefined && isDeepStrictEqual(known.region, region)) return [region.id, known]
        changed.push(region.id)
        return [region.id, { region, declaredAt: known?.declaredAt ?? now }]
      }),
    )
    return { changed, gone: [...before.keys()].filter(id => !this.#declared.has(id)) }
  }
}
