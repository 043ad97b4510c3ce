/**
 * The fleet as it was last read from a shared store, kept on disk: a router that starts while the store is away decides
 * from it. Written whole or not at all, and checked like anything that comes from outside.
 */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import Type, { type Static } from 'typebox'
import type { Clock } from '../clock.ts'
import { type AllowedEndpoints, requireAllowedEndpoints } from '../regions/allowed-endpoints.ts'
import { checkRegion } from '../regions/check-region.ts'
import { withDeclared } from '../regions/declared-records.ts'
import type { Region } from '../regions/region.ts'
import { type FleetRecord, type FleetState, fleetModes } from '../regions/store.ts'
import { checker, formatFault } from '../schema.ts'

const strict = { additionalProperties: false }

const Kept = Type.Object(
  {
    version: Type.Literal(1),
    now: Type.Number(),
    mode: Type.Unsafe<FleetState['mode']>(Type.String({ enum: [...fleetModes] })),
    incarnation: Type.Optional(Type.String()),
    /** Regions that files declare are in here for their drains. */
    records: Type.Array(
      Type.Object(
        {
          region: Type.Unknown(),
          source: Type.Unsafe<FleetRecord['source']>(Type.String({ enum: ['file', 'registered'] })),
          revision: Type.Number(),
          registeredAt: Type.Number(),
          lease: Type.Optional(Type.Object({ epoch: Type.Number(), expiresAt: Type.Number() }, strict)),
          drain: Type.Optional(Type.Object({ by: Type.String(), at: Type.Number(), reason: Type.String() }, strict)),
        },
        strict,
      ),
    ),
  },
  strict,
)
const checkKept = checker(Kept)

/** Where it is kept unless the operator says otherwise: one file for each router of each fleet. */
export function defaultSnapshotFile(fleet: string, router: string, environment: NodeJS.ProcessEnv): string {
  // systemd names a folder of the service's own.
  const folder =
    environment['STATE_DIRECTORY']?.split(':')[0] ??
    join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'meridian')
  return join(folder, `${fleet}.${router}.json`)
}

/**
 * The fleet as it was kept, its declared regions replaced by the present ones; loads are too old to be of use.
 *
 * @param onFault told what was left out, or why there is nothing
 */
export async function readLastSnapshot(
  file: string,
  declared: readonly Region[],
  allowed: AllowedEndpoints,
  onFault: (message: string) => void,
): Promise<FleetState> {
  const { now, mode, incarnation, ...kept } = await readKept(file, onFault)
  const records = kept.records.flatMap(record => {
    try {
      const region = checkRegion(record.region, file)
      if (record.source === 'registered') requireAllowedEndpoints(region, allowed)
      return [withoutUndefined({ ...record, region })]
    } catch (error) {
      onFault(`a region in ${file} is left out: ${(error as Error).message}`)
      return []
    }
  })
  return withDeclared({ now, mode, records, ...(incarnation !== undefined && { incarnation }) }, declared)
}

const nothing: Static<typeof Kept> = { version: 1, now: 0, mode: 'auto', records: [] }

async function readKept(file: string, onFault: (message: string) => void): Promise<Static<typeof Kept>> {
  try {
    const checked = checkKept(JSON.parse(await readFile(file, 'utf8')))
    if (checked.ok) return checked.value
    onFault(`${file} is left out: ${checked.faults.slice(0, 3).map(formatFault).join('; ')}`)
  } catch (error) {
    onFault(`there is no last snapshot to start from: ${(error as Error).message}`)
  }
  return nothing
}

export interface SnapshotKeeperOptions {
  readonly file: string
  readonly clock: Clock
  /** Told when writing fails, once until it works again. */
  readonly onFault: (error: unknown) => void
}

export interface SnapshotKeeper {
  /** Keeps this reading, or a later one, within a few seconds. */
  keep(fleet: FleetState): void
  /** Writes what is still waiting. */
  close(): Promise<void>
}

/** Often enough for a fleet that changes by the day; seldom enough for a disk. */
const everyMs = 2_000

export function createSnapshotKeeper({ file, clock, onFault }: SnapshotKeeperOptions): SnapshotKeeper {
  let waiting: FleetState | undefined
  let writtenAt = Number.NEGATIVE_INFINITY
  let underWay = Promise.resolve()
  let failing = false
  let cancel: (() => void) | undefined

  const write = (): void => {
    cancel?.()
    cancel = undefined
    const fleet = waiting!
    waiting = undefined
    writtenAt = clock.now()
    underWay = underWay
      .then(() => writeWhole(file, textOf(fleet)))
      .then(
        () => {
          failing = false
        },
        error => {
          if (!failing) onFault(error)
          failing = true
        },
      )
  }
  return {
    keep(fleet) {
      waiting = fleet
      const leftMs = writtenAt + everyMs - clock.now()
      if (leftMs <= 0) write()
      // The last reading before the store goes away is the one that will be needed.
      else cancel ??= clock.after(leftMs, write)
    },
    async close() {
      if (waiting !== undefined) write()
      await underWay
    },
  }
}

function textOf({ now, mode, incarnation, records }: FleetState): string {
  return JSON.stringify({ version: 1, now, mode, incarnation, records: records.map(({ load, ...record }) => record) })
}

/** Under another name first: a crash in the middle leaves the file before it. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

function withoutUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>
  }
}
