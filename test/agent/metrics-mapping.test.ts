/** Mapping files: what loads, and what is said of what does not. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { checkMetricsMapping, loadFields, metricsPresets, readMetricsMapping } from '../../src/agent/metrics-mapping.ts'

const documentation = readFileSync(new URL('../../docs/agent.md', import.meta.url), 'utf8')

t.test('a mapping with mistakes is refused with all of them', async t => {
  for (const [mapping, message] of [
    [[], /expected a mapping|expected an object|must be object/],
    [{ inflght: { value: 1 } }, /inflght: unknown key \(did you mean inflight\?\)/],
    [{ epoch: { value: 1 } }, /epoch: unknown key/],
    [{ inflight: 'running' }, /inflight: expected one of \{ gauge: … \}, .* not "running"/],
    [{ inflight: { gauge: 'a b' } }, /inflight: expected one of/],
    [{ inflight: { gauge: 'a', rate: 'b' } }, /inflight: expected one of/],
    [{ inflight: { gauge: 'a', combine: 'median' } }, /inflight: expected one of/],
    [{ inflight: {}, cpu: { value: 'x' } }, /inflight: .*; cpu: /],
  ] as const) {
    t.throws(() => checkMetricsMapping(mapping, 'm.yaml'), { code: 'CONFIG_INVALID', message }, JSON.stringify(mapping))
  }
})

t.test('presets are mappings like any other', async t => {
  for (const [name, preset] of Object.entries(metricsPresets)) {
    t.same(checkMetricsMapping(preset, name), preset)
    t.match(documentation, `\`${name}\``)
  }
})

t.test('the example of the documentation loads, and every field and preset metric is documented', async t => {
  const [, example] = /```yaml\n(.*?)```/s.exec(documentation)!
  const folder = t.testdir({
    'mapping.yaml': example!,
    'broken.yaml': 'inflight: {',
    'mapping.json': '{"cpu":{"gauge":"c"}}',
  })
  t.match(await readMetricsMapping(`${folder}/mapping.yaml`), { inflight: { gauge: String } })
  t.same(await readMetricsMapping(`${folder}/mapping.json`), { cpu: { gauge: 'c' } })
  await t.rejects(readMetricsMapping(`${folder}/broken.yaml`), {
    code: 'CONFIG_INVALID',
    message: /broken\.yaml: not YAML/,
  })
  await t.rejects(readMetricsMapping(`${folder}/none.yaml`), { code: 'FILE_UNREADABLE', message: /generic, vllm/ })
  for (const field of loadFields) t.match(documentation, `| \`${field}\` |`, field)
  const names = JSON.stringify(metricsPresets).match(/(?<=[:[,]")(?:vllm:|http_)\w+(?=")/g)!
  for (const name of names.filter(name => !name.endsWith('status_code'))) t.match(documentation, name, name)
})
