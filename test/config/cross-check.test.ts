import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { crossCheck } from '../../src/config/cross-check.ts'
import type { Region } from '../../src/regions/region.ts'
import { exampleRegion } from '../support/example-region.ts'

const fleet = [
  exampleRegion('edge-ams', { jurisdiction: 'NL', capabilities: ['chat'] }),
  exampleRegion('cloud-fra', { tier: 'cloud' }),
]
const quiet = 'regions: { defaultOrder: [cloud-fra] }\nhttp: { trustedProxies: [127.0.0.1] }\n'
const writer = `control: { tokens: [{ name: a, sha256: ${'a'.repeat(64)} }] }\n`

function check(text: string, regions: readonly Region[] = fleet) {
  return crossCheck(parseConfig(quiet + text, 'm.yaml', {}), regions, [])
}

t.test('what works badly is a warning, with its line and what to do', async t => {
  for (const [rule, ...expected] of [
    ['{ match: { host: dl.example.com } }'],
    [
      '{ match: { host: api.example.com } }',
      /^rules\[0\]\.transport: "api\.example\.com" looks like an API.*; use proxy or decide \(m\.yaml:3\)$/,
    ],
    ['{ match: { path: /v1/chat } }', /Authorization/],
    ['{ match: { path: /api } }', /Authorization/],
    ['{ match: { host: "*.api.example.com" } }', /Authorization/],
    ['{ match: { host: therapi.example.com, path: /video } }'],
    ['{ match: { path: /v1 }, transport: proxy }'],
    ['{ match: { path: /v1 }, transport: decide }'],
    ['{ status: 302 }', /^rules\[0\]\.status: 302 turns a POST into a GET/],
    ['{ status: 301, match: { methods: [GET, HEAD] } }'],
    ['{ status: 308 }'],
    ['{ status: 307, transport: proxy }', /^rules\[0\]\.status: means nothing with transport proxy/],
    ['{ tierStepMs: 20 }', /^rules\[0\]\.tierStepMs: means nothing while strict is true/],
    ['{ tierStepMs: 20, strict: false }'],
    ['{ tiers: [core] }', /^rules\[0\]\.tiers: no declared region is of tier core/],
    ['{ capability: { value: chat } }'],
    ['{ capability: { header: x-model } }'],
    ['{ capability: { value: paint } }', /^rules\[0\]\.capability: no declared region can do "paint"/],
    ['{ tiers: [cloud], capability: { value: chat } }', /^rules\[0\]\.capability/],
    ['{ residency: { EU: [EU] } }'],
    ['{ residency: { CH: [CH, US] } }', /^rules\[0\]\.residency\.CH: no declared region of its tiers lies in CH or US/],
  ] as const) {
    const text = `rules: [{ name: a, ${rule.slice(1)}]`.replace(', }', ' }')
    const { faults, warnings } = check(text)
    t.same(faults, [], text)
    t.equal(warnings.length, expected.length, `${text}: ${warnings.join('; ')}`)
    for (const [index, pattern] of expected.entries()) t.match(warnings[index], pattern)
  }
})

t.test('a proxying rule that trusts nobody, and a fleet without an order, are worth a warning', async t => {
  const { warnings } = crossCheck(parseConfig('rules: [{ name: a, transport: proxy }]', 'm.yaml', {}), fleet, [])
  t.match(warnings, [/^rules\[0\]\.transport: http\.trustedProxies is empty/, /^regions\.defaultOrder: is empty/])
})

t.test('a region that nobody has is a fault, or a warning where it may still register', async t => {
  const text = 'rules: [{ name: a, lastResort: cloud-iad }]'
  const pins = [
    { region: 'edge-ams', whenDown: 'route', network: '192.0.2.0/24' },
    { region: 'core-fra', whenDown: 'route', network: '203.0.113.0/24' },
  ] as const
  const order = quiet.replace('[cloud-fra]', '[cloud-fra, cloud-nrt]')
  const expected = [
    /^regions\.defaultOrder\[1\]: "cloud-nrt" is the id of no region \(m\.yaml:1\)$/,
    /^rules\[0\]\.lastResort: "cloud-iad" is the id of no region \(m\.yaml:3\)$/,
    /^geo\.overrides: network 203\.0\.113\.0\/24: "core-fra" is the id of no region \(m\.yaml\)$/,
  ]
  t.match(crossCheck(parseConfig(order + text, 'm.yaml', {}), fleet, pins), { faults: expected, warnings: [] })
  const open = crossCheck(parseConfig(order + writer + text, 'm.yaml', {}), fleet, pins)
  t.same(open.faults, [])
  t.equal(open.warnings.length, 3)
  for (const warning of open.warnings) t.match(warning, /means nothing until a region of this name registers/)
})

t.test('without declared regions nothing is said of what they lack', async t => {
  const text = `${writer}rules: [{ name: a, tiers: [core], capability: { value: paint } }]`
  t.same(check(text, []).warnings.length, 1, 'but for the order, which names a region')
})
