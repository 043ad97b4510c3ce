/** Holds docs/configuration.md to the schema: every key with its default, and examples that load. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/config.ts'
import { listKeys } from '../../src/config/keys.ts'
import { settingsSchema } from '../../src/config/schema.ts'
import type { MeridianError } from '../../src/errors.ts'

const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
const keys = new Map(listKeys(settingsSchema).map(key => [key.path, key]))
const rows = new Map([...text.matchAll(/^\| `([a-z][\w.[\]*]*)` \| (.*?) \| .+ \|$/gim)].map(row => [row[1]!, row[2]!]))

t.test('every key of the schema stands in the reference, and no other', async t => {
  t.ok(rows.size > 50, 'the tables were found')
  t.same(
    [...rows.keys()].filter(path => !keys.has(path)),
    [],
    'documented, but not known',
  )
  t.same(
    [...keys.keys()].filter(path => !rows.has(path)),
    [],
    'known, but not documented',
  )
})

t.test('the reference gives the defaults of the schema', async t => {
  for (const [path, cell] of rows) t.same(documentedDefault(cell), keys.get(path)?.schema.default, path)
})

t.test('what the reference calls required is missed where it is left out', async t => {
  const required = [...rows].filter(([, cell]) => cell === 'required').map(([path]) => path)
  const error = t.throws(() =>
    parseConfig('{ control: { tokens: [{}], certificates: [{}] }, rules: [{ cors: {} }] }', undefined, {}),
  )
  t.same(
    (error as MeridianError).faults.map(fault => fault.replace('[0]', '[]').replace(' (line 1)', '')).sort(),
    required.map(path => `${path}: is missing`).sort(),
  )
})

t.test('every example of the reference loads', async t => {
  const examples = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(match => match[1]!)
  t.ok(examples.length > 5, 'the examples were found')
  for (const example of examples) t.doesNotThrow(() => parseConfig(example, 'example.yaml', {}), example)
})

function documentedDefault(cell: string): unknown {
  return cell === 'unset' || cell === 'required' ? undefined : parse(/^`(.*)`$/.exec(cell)?.[1] ?? cell)
}
