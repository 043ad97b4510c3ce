/**
 * The operator's own word on where networks are and to which region they belong: a YAML list, read strictly.
 *
 * An entry is taken whole: with coordinates or a country it is the full answer for its network, and nothing is filled in
 * from a database, which would mix two opinions about one client (coordinates in Warsaw, country US). So coordinates
 * without a country mean that the country is unknown. An entry with only a region leaves the location to the databases.
 */

import { readFile } from 'node:fs/promises'
import Type, { type Static } from 'typebox'
import { type Document, isCollection, isNode, LineCounter, parseDocument } from 'yaml'
import { MeridianError, unreadable } from '../errors.ts'
import { checker, type Fault, formatFault } from '../schema.ts'
import type { Coordinates } from './coordinates.ts'
import type { Pin } from './location.ts'
import { formatNetwork, type Network, parseNetwork, unmapNetwork } from './network.ts'

const strict = { additionalProperties: false }

const Entry = Type.Object(
  {
    network: Type.String({ expected: 'a network such as 192.0.2.0/24 or 2001:db8::/32' }),
    coordinates: Type.Optional(
      Type.Object(
        {
          latitude: Type.Number({ minimum: -90, maximum: 90 }),
          longitude: Type.Number({ minimum: -180, maximum: 180 }),
        },
        strict,
      ),
    ),
    country: Type.Optional(
      Type.String({ pattern: '^[A-Z]{2}$', expected: 'a country code of two capital letters (PL)' }),
    ),
    /** Whether there is such a region is for whoever knows the regions to check. */
    region: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,63}$', expected: 'a region id' })),
    whenDown: Type.Optional(Type.Unsafe<'route' | 'refuse'>(Type.String({ enum: ['route', 'refuse'] }))),
  },
  strict,
)

type Entry = Static<typeof Entry>

const checkEntries = checker(Type.Array(Entry))

export interface Override {
  readonly network: Network
  /** The network as written. */
  readonly text: string
  readonly coordinates?: Coordinates
  readonly country?: string
  readonly region?: string
  readonly whenDown: 'route' | 'refuse'
}

export interface Overrides {
  readonly file: string
  /** In the order of the file; no network twice. */
  readonly entries: readonly Override[]
}

/** The entries that pin a network to a region. */
export function pinsOf({ entries }: Pick<Overrides, 'entries'>): Pin[] {
  return entries.flatMap(({ region, whenDown, text }) =>
    region === undefined ? [] : [{ region, whenDown, network: text }],
  )
}

/** @throws MeridianError FILE_UNREADABLE, or OVERRIDES_INVALID with every fault and its line */
export async function loadOverrides(file: string): Promise<Overrides> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw unreadable(file, cause)
  })
  return parseOverrides(text, file)
}

/**
 * @param file name for messages
 * @throws MeridianError OVERRIDES_INVALID with every fault and its line
 */
export function parseOverrides(text: string, file: string): Overrides {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const fail = (faults: readonly string[]) =>
    new MeridianError('OVERRIDES_INVALID', `${file}: ${faults.join('; ')}`, { faults })
  if (document.errors.length > 0) {
    throw fail(document.errors.map(error => `line ${lines.linePos(error.pos[0]).line}: ${error.message}`))
  }
  // A file in which everything is commented out is an empty list.
  const value = toValue(document, fail) ?? []
  const checked = checkEntries(value)
  const lineOf = (path: string) => lineOfPath(document, lines, path)
  const schemaFaults = checked.ok ? [] : checked.faults
  const { entries, faults: entryFaults } = readEntries(Array.isArray(value) ? value : [], schemaFaults, lineOf)
  const faults = [...schemaFaults, ...entryFaults]
  if (faults.length > 0) throw fail(faults.map(fault => `line ${lineOf(fault.path)}: ${formatFault(fault)}`))
  return { file, entries }
}

function toValue(document: Document, fail: (faults: readonly string[]) => MeridianError): unknown {
  try {
    return document.toJS()
  } catch (cause) {
    // Aliases that unfold to far more than was written.
    throw fail([(cause as Error).message])
  }
}

/**
 * What the schema cannot see. An entry that it has refused is looked at for its network only, so that one misspelt key hides
 * no network that stands there twice.
 */
function readEntries(
  items: readonly unknown[],
  schemaFaults: readonly Fault[],
  lineOf: (path: string) => number,
): { readonly entries: readonly Override[]; readonly faults: readonly Fault[] } {
  const entries: Override[] = []
  const faults: Fault[] = []
  const seen = new Map<string, string>()
  const refused = new Set(schemaFaults.map(({ path }) => /^\[\d+\]/.exec(path)?.[0]))
  for (const [index, item] of items.entries()) {
    const path = `[${index}]`
    const isWhole = !refused.has(path)
    const { network: text, whenDown, ...rest } = Object(item) as Entry
    if (isWhole) faults.push(...contradictions(item as Entry, path))
    if (typeof text !== 'string') continue
    const network = parseNetwork(text)
    if (!network.ok) {
      faults.push(...network.faults.map(({ message }) => ({ path: `${path}.network`, message })))
      continue
    }
    const value = unmapNetwork(network.value)
    const name = formatNetwork(value)
    const twin = seen.get(name)
    if (twin !== undefined) {
      faults.push({ path: `${path}.network`, message: `${name} stands on line ${lineOf(twin)} already` })
    }
    seen.set(name, path)
    if (isWhole) entries.push({ ...rest, network: value, text, whenDown: whenDown ?? 'route' })
  }
  return { entries, faults }
}

function contradictions({ coordinates, country, region, whenDown }: Entry, path: string): Fault[] {
  const faults: Fault[] = []
  if (coordinates === undefined && country === undefined && region === undefined) {
    faults.push({ path, message: 'expected coordinates, a country or a region beside the network' })
  }
  if (whenDown !== undefined && region === undefined) {
    faults.push({ path: `${path}.whenDown`, message: 'says what to do without the region, but no region is given' })
  }
  return faults
}

/** Line of the innermost thing in the document that a fault's path (`[2].coordinates.latitude`) leads to. */
function lineOfPath(document: Document, lines: LineCounter, path: string): number {
  let node: unknown = document.contents
  let offset = 0
  for (const [key] of [[''], ...path.matchAll(/[\w-]+/g)]) {
    if (key !== '') node = isCollection(node) ? node.get(/^\d+$/.test(key!) ? Number(key) : key, true) : undefined
    if (isNode(node)) offset = node.range?.[0] ?? offset
  }
  return lines.linePos(offset).line
}
