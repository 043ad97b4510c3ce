/**
 * A naive store to compare real ones with: it keeps nothing but the history of what was done and looks every answer up
 * in it from the start. No clock: only what does not depend on time.
 */

import { MeridianError } from '../../src/errors.ts'
import type { FleetRecord, RegionStore } from '../../src/regions/store.ts'
import { exampleRegion } from '../support/example-region.ts'

export type Operation =
  | { readonly kind: 'declare'; readonly ids: readonly string[]; readonly name: string }
  | { readonly kind: 'register'; readonly id: string; readonly name: string }
  | { readonly kind: 'heartbeat'; readonly id: string; readonly epoch: number; readonly sequence: number }
  | { readonly kind: 'drain'; readonly id: string; readonly reason: string }
  | { readonly kind: 'undrain' | 'remove'; readonly id: string }

type OnOne = Exclude<Operation, { kind: 'declare' }>

/** What of a record does not depend on time. */
export interface Essence {
  readonly id: string
  readonly name: string
  readonly source: 'file' | 'registered'
  readonly epoch?: number
  readonly sequence?: number
  readonly reason?: string
}

export interface StoreModel {
  /** `done`, or the code of the error that a store has to throw; a registration gets the epoch that the store issued. */
  apply(operation: Operation, issuedEpoch?: number): string
  read(): readonly Essence[]
}

export function createStoreModel(): StoreModel {
  const history: (Operation & { readonly issuedEpoch?: number | undefined })[] = []
  const lastIndex = (test: (past: Operation) => boolean) => history.findLastIndex(test)
  const isFor = (id: string, kind: Operation['kind']) => (past: Operation) =>
    past.kind === kind && 'id' in past && past.id === id

  const nameInFile = (id: string): string | undefined => {
    const last = history[lastIndex(past => past.kind === 'declare')]
    return last?.kind === 'declare' && last.ids.includes(id) ? last.name : undefined
  }
  const registration = (id: string) => {
    const index = lastIndex(isFor(id, 'register'))
    return index > lastIndex(isFor(id, 'remove')) ? { index, past: history[index]! } : undefined
  }
  const lastReport = (id: string) => {
    const index = lastIndex(isFor(id, 'heartbeat'))
    const past = history[index]
    return past?.kind === 'heartbeat' && index > (registration(id)?.index ?? index) ? past : undefined
  }
  const drainReason = (id: string): string | undefined => {
    const past = history[lastIndex(isFor(id, 'drain'))]
    return past?.kind === 'drain' && lastIndex(isFor(id, 'undrain')) < history.indexOf(past) ? past.reason : undefined
  }
  const isKnown = (id: string) => nameInFile(id) !== undefined || registration(id) !== undefined

  const refusal = (operation: OnOne): string | undefined => {
    const { kind, id } = operation
    if (kind === 'register') return undefined
    if (kind === 'heartbeat') {
      const current = registration(id)?.past.issuedEpoch
      if (current === undefined) return 'REGION_UNKNOWN'
      const newer = operation.epoch === current && operation.sequence > (lastReport(id)?.sequence ?? -1)
      return newer ? undefined : 'REPORT_OUTDATED'
    }
    if (kind === 'undrain' && drainReason(id) !== undefined) return undefined
    if (!isKnown(id)) return 'REGION_UNKNOWN'
    return kind === 'remove' && registration(id) === undefined ? 'REGION_INVALID' : undefined
  }

  return {
    apply(operation, issuedEpoch) {
      const refused = operation.kind === 'declare' ? undefined : refusal(operation)
      if (refused !== undefined) return refused
      history.push({ ...operation, issuedEpoch })
      // Whoever removes the last trace of a region takes the operator's word on it along.
      if (operation.kind === 'remove' && !isKnown(operation.id)) history.push({ kind: 'undrain', id: operation.id })
      return 'done'
    },
    read() {
      const ids = new Set(history.flatMap(past => (past.kind === 'declare' ? past.ids : past.id)))
      return [...ids]
        .filter(isKnown)
        .sort()
        .map(id => {
          const registered = registration(id)?.past
          const name = registered?.kind === 'register' ? registered.name : nameInFile(id)!
          const source = registered === undefined ? 'file' : 'registered'
          const sequence = registered === undefined ? undefined : lastReport(id)?.sequence
          return withoutUndefined({
            id,
            name,
            source,
            epoch: registered?.issuedEpoch,
            sequence,
            reason: drainReason(id),
          })
        })
    },
  }
}

/** Does an operation on a real store: `done` with the epoch issued, if any, or the code of the error. */
export async function applyTo(store: RegionStore, operation: Operation): Promise<{ outcome: string; epoch?: number }> {
  try {
    if (operation.kind === 'register') {
      const { epoch } = await store.register(exampleRegion(operation.id, { name: operation.name }))
      return { outcome: 'done', epoch }
    }
    await applyOther(store, operation)
    return { outcome: 'done' }
  } catch (error) {
    if (error instanceof MeridianError) return { outcome: error.code }
    throw error
  }
}

function applyOther(store: RegionStore, operation: Exclude<Operation, { kind: 'register' }>): Promise<void> {
  switch (operation.kind) {
    case 'declare':
      return store.declare(operation.ids.map(id => exampleRegion(id, { name: operation.name })))
    case 'heartbeat':
      return store.heartbeat(operation.id, { epoch: operation.epoch, sequence: operation.sequence })
    case 'drain':
      return store.drain(operation.id, 'ops', operation.reason)
    case 'undrain':
      return store.undrain(operation.id)
    case 'remove':
      return store.remove(operation.id)
  }
}

export function essenceOf({ region, source, lease, load, drain }: FleetRecord): Essence {
  const { id, name } = region
  return withoutUndefined({ id, name, source, epoch: lease?.epoch, sequence: load?.sequence, reason: drain?.reason })
}

function withoutUndefined(essence: { [Key in keyof Essence]: Essence[Key] | undefined }): Essence {
  return Object.fromEntries(Object.entries(essence).filter(([, value]) => value !== undefined)) as unknown as Essence
}
