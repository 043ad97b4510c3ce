import t from 'tap'
import { formatNetwork } from '../../src/geo/network.ts'
import { loadOverrides, parseOverrides } from '../../src/geo/overrides.ts'

t.test('entries are read as written', async t => {
  const { entries } = parseOverrides(
    `
- network: 10.8.0.0/16            # the Warsaw office
  coordinates: { latitude: 52.23, longitude: 21.01 }
  country: PL
- network: 203.0.113.0/24
  region: core-fra
  whenDown: refuse
- { network: 2001:DB8::/32, country: NO }
- { network: 192.0.2.1, region: edge-ams }
`,
    'overrides.yaml',
  )
  t.same(
    entries.map(({ network, ...rest }) => ({ ...rest, network: formatNetwork(network) })),
    [
      {
        network: '10.8.0.0/16',
        text: '10.8.0.0/16',
        coordinates: { latitude: 52.23, longitude: 21.01 },
        country: 'PL',
        whenDown: 'route',
      },
      { network: '203.0.113.0/24', text: '203.0.113.0/24', region: 'core-fra', whenDown: 'refuse' },
      { network: '2001:db8::/32', text: '2001:DB8::/32', country: 'NO', whenDown: 'route' },
      { network: '192.0.2.1/32', text: '192.0.2.1', region: 'edge-ams', whenDown: 'route' },
    ],
  )
})

t.test('a file in which everything is commented out holds no overrides', async t => {
  t.same(parseOverrides('# - network: 10.0.0.0/8\n', 'o.yaml').entries, [])
  t.same(parseOverrides('', 'o.yaml').entries, [])
})

t.test('every fault is reported at once, with its line', async t => {
  for (const [text, ...faults] of [
    [
      '- network: 10.8.0.1/16\n  country: pl\n- netwrk: 10.0.0.0/8\n  region: core-fra\n  coordinates:\n    latitude: 91\n    longitude: 0\n',
      'line 1: [0].network: 10.8.0.1/16 has bits set after its prefix; write 10.8.0.0/16 or 10.8.0.1',
      'line 2: [0].country: expected a country code of two capital letters (PL), not "pl"',
      'line 3: [1].network: is missing',
      'line 3: [1].netwrk: unknown key (did you mean network?)',
      'line 6: [1].coordinates.latitude: expected at most 90, not 91',
    ],
    [
      '- { network: 10.8.0.1/16, country: PL }\n- { network: 10.0.0.0/8 }\n\n- network: ten\n  country: PL\n  whenDown: route\n',
      'line 1: [0].network: 10.8.0.1/16 has bits set after its prefix; write 10.8.0.0/16 or 10.8.0.1',
      'line 2: [1]: expected coordinates, a country or a region beside the network',
      'line 6: [2].whenDown: says what to do without the region, but no region is given',
      'line 4: [2].network: expected a network such as 192.0.2.0/24 or 2001:db8::/32, not "ten"',
    ],
    [
      '- { network: 2001:db8::/32, country: PL }\n- { network: 2001:0DB8:0::/32, region: core-fra }\n',
      'line 2: [1].network: 2001:db8::/32 stands on line 1 already',
    ],
    [
      '- { network: 10.0.0.0/8, country: PL }\n- { network: "::ffff:10.0.0.0/104", country: PL }\n',
      'line 2: [1].network: 10.0.0.0/8 stands on line 1 already',
    ],
    [
      '- { network: 1.2, region: Core Fra }\n',
      'line 1: [0].network: expected a network such as 192.0.2.0/24 or 2001:db8::/32, not 1.2',
      'line 1: [0].region: expected a region id, not "Core Fra"',
    ],
    [
      '- { network: 10.0.0.0/8, country: PL }\n- { network: 10.0.0.0/8, contry: PL }\n- { network: ten, country: pl }\n- ten\n',
      'line 2: [1].contry: unknown key (did you mean country?)',
      'line 2: [1].network: 10.0.0.0/8 stands on line 1 already',
      'line 3: [2].country: expected a country code of two capital letters (PL), not "pl"',
      'line 3: [2].network: expected a network such as 192.0.2.0/24 or 2001:db8::/32, not "ten"',
      'line 4: [3]: expected a mapping, not "ten"',
    ],
    ['network: 10.0.0.0/8\n', 'line 1: expected a list, not {"network":"10.0.0.0/8"}'],
    ['just text\n', 'line 1: expected a list, not "just text"'],
    ['- network: 10.0.0.0/8\n  network: 11.0.0.0/8\n', 'line 2: Map keys must be unique'],
  ] as const) {
    const thrown = t.throws(() => parseOverrides(text, 'overrides.yaml'), { code: 'OVERRIDES_INVALID' }, text)
    const error = thrown as unknown as { faults: string[]; message: string }
    t.same([...error.faults].sort(), [...faults].sort())
    t.equal(error.message, `overrides.yaml: ${error.faults.join('; ')}`)
  }
})

t.test('aliases that unfold without end are refused', async t => {
  const levels = Array.from({ length: 12 }, (_, i) => `- &a${i + 1} [${`*a${i},`.repeat(9)}]`)
  t.throws(() => parseOverrides(`- &a0 [1]\n${levels.join('\n')}\n`, 'o.yaml'), { code: 'OVERRIDES_INVALID' })
})

t.test('a file that is not there is named', async t => {
  await t.rejects(loadOverrides('/nowhere/overrides.yaml'), {
    code: 'FILE_UNREADABLE',
    message: /\/nowhere\/overrides.yaml/,
  })
})
