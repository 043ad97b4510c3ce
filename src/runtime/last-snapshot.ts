/**
 * The fleet as it was last read from a shared store, kept on disk: a router that starts while the store is away decides
 * from it. Written whole or not at all, and checked like anything that comes from outside.
 */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import Type, { type Static } from 'typebox'
import type { Clock } from '../clock.ts'
import { unreadable } from '../errors.ts'
import { type AllowedEndpoints, requireAllowedEndpoints } from '../regions/allowed-endpoints.ts'
import { checkRegion } from '../regions/check-region.ts'
import { withDeclared } from '../regions/declared-records.ts'
import type { Region } from '../regions/region.ts'
import type { Remembered } from '../regions/remembered.ts'
import { type FleetRecord, type FleetState, fleetModes } from '../regions/store.ts'
import { checker, formatFault, shown } from '../schema.ts'

const strict = { additionalProperties: false }

/** Names and values in turn. */
const NamesAndValues = Type.Array(Type.String())

const Kept = Type.Object(
  {
    version: Type.Literal(1),
    fleet: Type.String(),
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
    /** Absent in files of earlier versions. */
    remembered: Type.Optional(Type.Object({ drains: NamesAndValues, tokens: NamesAndValues }, strict)),
  },
  strict,
)
const checkKept = checker(Kept)

/** Where it is kept unless the operator says otherwise: one file for each router of each fleet. */
export function defaultSnapshotFile(fleet: string, router: string, environment: NodeJS.ProcessEnv): string {
  return join(stateFolder(environment), `${fleet}.${router}.json`)
}

/** Where a router keeps what it has to know again after a restart. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  // systemd names a folder of the service's own.
  return (
    environment['STATE_DIRECTORY']?.split(':')[0] ??
    join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'meridian')
  )
}

export interface LastSnapshotOptions {
  readonly file: string
  /** Name of the fleet; a file of another one is left out. */
  readonly fleet: string
  readonly declared: readonly Region[]
  readonly allowed: AllowedEndpoints
  /** Told what was left out, or why there is nothing; not that there was no file. */
  readonly onFault: (message: string) => void
}

/** The fleet as it was kept, its declared regions replaced by the present ones; loads are too old to be of use. */
export async function readLastSnapshot(options: LastSnapshotOptions): Promise<FleetState> {
  const { file, declared, allowed, onFault } = options
  const { now, mode, incarnation, ...kept } = await readKept(options)
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

/** What operators said, as it was kept; undefined where nothing was, or nothing that can be believed. */
export async function readRemembered(file: string, fleet: string): Promise<Remembered | undefined> {
  // Faults are told when the fleet itself is needed from there.
  const { now: at, mode, incarnation, remembered } = await readKept({ file, fleet, onFault: () => {} })
  if (remembered === undefined || incarnation === undefined) return undefined
  const { drains, tokens } = remembered
  return drains.length % 2 === 0 && tokens.length % 2 === 0 ? { incarnation, at, mode, drains, tokens } : undefined
}

type Kept = Static<typeof Kept>
type FileOptions = Pick<LastSnapshotOptions, 'file' | 'fleet' | 'onFault'>

async function readKept({ file, fleet, onFault }: FileOptions): Promise<Kept> {
  try {
    const checked = checkKept(JSON.parse(await readFile(file, 'utf8')))
    if (checked.ok && checked.value.fleet === fleet) return checked.value
    const why = checked.ok
      ? `it is of fleet ${shown(checked.value.fleet)}; give each fleet a redis.snapshotFile of its own`
      : checked.faults.slice(0, 3).map(formatFault).join('; ')
    onFault(`${file} is left out: ${why}`)
  } catch (error) {
    // A first start has no file, and nothing is wrong with that.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const { message } = unreadable(file, error, 'the last snapshot')
      onFault(error instanceof SyntaxError ? `${file} is left out: it is not JSON` : message)
    }
  }
  return { version: 1, fleet, now: 0, mode: 'auto', records: [] }
}

export interface SnapshotKeeperOptions {
  readonly file: string
  /** Name of the fleet. */
  readonly fleet: string
  readonly clock: Clock
  /** Told when writing fails, once until it works again. */
  readonly onFault: (error: unknown) => void
}

export interface SnapshotKeeper {
  /** Keeps this reading, or a later one, within a few seconds; what operators said in it, too, for `readRemembered`. */
  keep(fleet: FleetState, remembered?: Remembered): void
  /** Writes what is still waiting. */
  close(): Promise<void>
}

/** Often enough for a fleet that changes by the day; seldom enough for a disk. */
const everyMs = 2_000

export function createSnapshotKeeper({ file, fleet: name, clock, onFault }: SnapshotKeeperOptions): SnapshotKeeper {
  let waiting: (() => string) | undefined
  let writtenAt = Number.NEGATIVE_INFINITY
  let underWay = Promise.resolve()
  let failing = false
  let cancel: (() => void) | undefined

  const write = (): void => {
    cancel?.()
    cancel = undefined
    const text = waiting!
    waiting = undefined
    writtenAt = clock.now()
    underWay = underWay
      .then(() => writeWhole(file, text()))
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
    keep(fleet, remembered) {
      waiting = () => textOf(name, fleet, remembered)
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

function textOf(fleet: string, { now, mode, incarnation, records }: FleetState, remembered?: Remembered): string {
  const kept = records.map(({ load, ...record }) => record)
  const words = remembered && { drains: remembered.drains, tokens: remembered.tokens }
  return JSON.stringify({ version: 1, fleet, now, mode, incarnation, records: kept, remembered: words })
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
