/** What `meridian regions apply` is asked to do, and what it finds to be done. */

import type { Region } from '../regions/region.ts'
import type { ControlOptions } from './control-options.ts'

export interface ApplyOptions extends ControlOptions {
  readonly prune?: boolean
  readonly dryRun?: boolean
  /** Folder with the fleet to compare with. */
  readonly against?: string
  readonly config?: string
}

export interface FleetChange {
  readonly kind: 'new' | 'changed' | 'removed'
  readonly region: Region
  /** What was seen of it: changes are made only while it is so. */
  readonly revision: number
}
