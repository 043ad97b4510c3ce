/** What the demo and the processes of its regions say to each other. */

import type { Region } from '../../regions/region.ts'

export type ToRegion =
  /** Listen there, or on any free port where that one is taken. */
  | { readonly kind: 'listen'; readonly region: Region; readonly port: number }
  /** Register with the router as what was said in `listen`, at this URL, and send heartbeats from then on. */
  | { readonly kind: 'register'; readonly region: Region; readonly controlUrl: string; readonly token: string }

export type FromRegion =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'registered' }
  | { readonly kind: 'failed'; readonly message: string }
