/** Holds docs/regions.md and docs/overrides.md to what is read: every key with its default, and examples that load. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { listKeys, type SchemaNode } from '../../src/config/keys.ts'
import { parseOverrides } from '../../src/geo/overrides.ts'
import { inspectRegion } from '../../src/regions/check-region.ts'
import { Region } from '../../src/regions/region.ts'
import type { Fault } from '../../src/schema.ts'

const pageOf = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const rowsOf = (page: string) =>
  new Map([...page.matchAll(/^\| `([a-z][\w.]*)` \| (.*?) \| .+ \|$/gim)].map(row => [row[1]!, row[2]!]))
const blocksOf = (page: string, language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(match => match[1]!)

const regions = pageOf('regions.md')
const rows = rowsOf(regions)
const keys = new Map(listKeys(Region as SchemaNode).map(({ path, schema }) => [path, schema]))

t.test('every key of a region stands in the reference with its default, and no other', async t => {
  t.same([...rows.keys()].sort(), [...keys.keys()].sort())
  for (const [path, cell] of rows) {
    const documented = cell === 'unset' || cell === 'required' ? undefined : parse(cell.replaceAll('`', ''))
    t.same(documented, keys.get(path)?.default, path)
  }
})

t.test('what the reference calls required is missed where it is left out', async t => {
  const checked = inspectRegion({ coordinates: {}, endpoints: {} })
  const faults: readonly Fault[] = checked.ok ? [] : checked.faults
  const required = [...rows].filter(([, cell]) => cell === 'required').map(([path]) => path)
  t.same(
    faults.map(({ path, message }) => `${path} ${message}`).sort(),
    required.map(path => `${path} is missing`).sort(),
  )
})

t.test('every example of a region loads, and one of them has every key', async t => {
  const examples = blocksOf(regions, 'json').map(text => JSON.parse(text) as object)
  t.equal(examples.length, 2)
  for (const example of examples) t.match(inspectRegion(example), { ok: true })
  const valueAt = (path: string) =>
    path
      .split('.')
      .reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], examples[1] as unknown)
  t.same(
    [...keys.keys()].filter(path => valueAt(path) === undefined),
    [],
  )
})

t.test('the examples of overrides load, and every key of the reference is one', async t => {
  const page = pageOf('overrides.md')
  const [example = '', ...more] = blocksOf(page, 'yaml')
  t.same(more, [])
  t.equal(parseOverrides(example, 'overrides.yaml').entries.length, 4)
  const error = t.throws(() => parseOverrides('- { network: 10.0.0.0/8, other: 1 }', 'overrides.yaml'))
  const [, known = ''] = /known here: (.*?)\)/.exec((error as Error).message) ?? []
  t.same([...new Set([...rowsOf(page).keys()].map(path => path.split('.')[0]))], known.split(', '))
})
