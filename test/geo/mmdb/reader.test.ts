/**
 * Pins what is read from good databases, and that broken and hostile ones are refused with a sentence that names file and
 * fault.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Reader } from 'mmdb-lib'
import t from 'tap'
import { MeridianError } from '../../../src/errors.ts'
import { ClientAddress, formatAddress } from '../../../src/geo/address.ts'
import { checkMmdb } from '../../../src/geo/mmdb/check.ts'
import { type MmdbReader, openMmdb } from '../../../src/geo/mmdb/reader.ts'
import { MmdbWriter } from '../../../src/geo/mmdb/writer.ts'
import { formatNetwork, type Network, networkContains } from '../../../src/geo/network.ts'
import { networkFrom } from '../../support/network-from.ts'
import { randomAddress } from '../../support/random-addresses.ts'
import { encoded, rawMmdb, toData } from '../../support/raw-mmdb.ts'
import { randomInteger, seededRandom } from '../../support/seeded-random.ts'
import { maxmindData, skipWithoutMaxmindData as skip } from '../../support/shared-data.ts'

interface Leaf {
  readonly network: Network
  readonly recordOffset: number
}

function leavesOf(reader: MmdbReader, family: 4 | 6): Leaf[] {
  const leaves: Leaf[] = []
  reader.walk(family, (w0, w1, w2, w3, prefixLength, recordOffset) => {
    leaves.push({ network: { address: new ClientAddress(family, w0, w1, w2, w3), prefixLength }, recordOffset })
  })
  return leaves
}

/** Share of a family's addresses, where networks do not overlap. */
function spaceOf(networks: readonly { readonly network: Network }[], family: 4 | 6): number {
  const own = networks.filter(({ network }) => network.address.family === family)
  return own.reduce((sum, { network }) => sum + 2 ** -network.prefixLength, 0)
}

function networksOf(bytes: Uint8Array, family: 4 | 6): string[] {
  return leavesOf(openMmdb(bytes, 'test.mmdb'), family).map(({ network }) => formatNetwork(network))
}

t.test('broken databases of MaxMind', { skip }, async t => {
  const outcomes: Record<string, RegExp | 'harmless'> = {
    'broken-pointers-24.mmdb': /node 36 of its search tree leads to 100232, outside tree and data/,
    'cyclic-data-structure.mmdb': /in the metadata, the value at data offset 259 runs over the end/,
    'invalid-data-record-offset.mmdb': /in the metadata, the value at data offset 1 is text that is not valid UTF-8/,
    // Ninety-nine nodes that nothing leads to, and one good one: what can be reached is sound.
    'libmaxminddb-corrupt-search-tree.mmdb': 'harmless',
    'libmaxminddb-deep-nesting.mmdb': /the value at data offset 193 is nested more than 64 levels deep/,
    'libmaxminddb-oversized-map.mmdb': /the value at data offset 0 cannot hold 1000000 entries/,
  }
  t.same(readdirSync(join(maxmindData, 'bad')).sort(), Object.keys(outcomes), 'every file has its line')
  for (const [file, outcome] of Object.entries(outcomes)) {
    const check = () => checkMmdb(openMmdb(readFileSync(join(maxmindData, 'bad', file)), file))
    if (outcome === 'harmless') t.same(check(), { ipv4Networks: 2, ipv6Networks: 0, records: 1 }, file)
    else t.throws(check, { code: 'GEO_DATABASE_INVALID', message: new RegExp(`^${file}: ${outcome.source}`) }, file)
  }
})

for (const name of ['City', 'Country', 'ASN']) {
  const file = join(maxmindData, `GeoLite2-${name}-Test.mmdb`)

  t.test(`the ${name} database has exactly the records that MaxMind says`, { skip }, async t => {
    const reader = openMmdb(readFileSync(file), file)
    const leaves = ([4, 6] as const).flatMap(family => leavesOf(reader, family))
    const stated = JSON.parse(readFileSync(file.replace('.mmdb', '.json'), 'utf8')) as Record<string, object>[]
    const expected = stated
      .flatMap(entry => Object.entries(entry))
      .map(([text, record]) => ({ network: networkFrom(text), record }))
    for (const { network, record } of expected) {
      // Neighbours with the same record are one network in the file.
      const leaf = leaves.find(
        leaf => leaf.network.prefixLength <= network.prefixLength && networkContains(leaf.network, network.address),
      )
      t.same(leaf && reader.decode(leaf.recordOffset), record, formatNetwork(network))
    }
    for (const family of [4, 6] as const) {
      t.equal(spaceOf(leaves, family), spaceOf(expected, family), `and none beyond those for IPv${family}`)
    }
  })

  t.test(`the ${name} database means the same to mmdb-lib at random addresses`, { skip }, async t => {
    const bytes = readFileSync(file)
    const reader = openMmdb(bytes, file)
    const oracle = new Reader<object>(bytes)
    const random = seededRandom(7)
    for (const family of [4, 6] as const) {
      const leaves = leavesOf(reader, family)
      let known = 0
      for (let i = 0; i < 2000; i++) {
        const address = randomAddress(random, leaves[randomInteger(random, leaves.length)]!.network)
        if (address.family !== family) continue
        const leaf = leaves.find(({ network }) => networkContains(network, address))
        const expected = oracle.get(formatAddress(address))
        if (leaf !== undefined) known++
        // Addresses with IPv4 inside are left out of the walk over IPv6.
        if (leaf === undefined && family === 6 && /^(::|2001:0?:|2002:)/.test(formatAddress(address))) continue
        const actual = leaf === undefined ? null : reader.decode(leaf.recordOffset)
        if (JSON.stringify(actual) !== JSON.stringify(expected)) t.same(actual, expected, formatAddress(address))
      }
      t.ok(known > 500, `IPv${family}: ${known} addresses were known, and all agree`)
    }
  })
}

t.test('metadata', async t => {
  const bytes = rawMmdb({
    nodes: [[1, 1]],
    metadata: { languages: ['en', 'de'], description: { de: 'Versuch', en: 'Trial' } },
  })
  t.same(openMmdb(bytes, 'test.mmdb').metadata, {
    databaseType: 'Test',
    ipVersion: 4,
    recordSize: 24,
    nodeCount: 1,
    builtAt: new Date(1_780_000_000_000),
    languages: ['en', 'de'],
    description: 'Trial',
  })
})

t.test('faults of the file as a whole', async t => {
  const whole = rawMmdb({ nodes: [[1, 1]] })
  for (const [bytes, fault, why] of [
    [Buffer.alloc(0), /there is no metadata in its last 128 KiB/, 'empty file'],
    [Buffer.from('<!doctype html>'), /there is no metadata/, 'another kind of file'],
    [whole.subarray(0, 30), /there is no metadata/, 'cut short'],
    [Buffer.concat([whole, Buffer.alloc(128 * 1024)]), /there is no metadata/, 'metadata too far from the end'],
    [whole.subarray(0, -3), /in the metadata, the value at data offset \d+ runs over the end/, 'end cut off'],
    [
      rawMmdb({ nodes: [[1, 1]], metadata: { node_count: 9 } }),
      /tree of 9 nodes does not fit into the 23 bytes/,
      'size',
    ],
    [
      rawMmdb({ nodes: [[1, 1]], separator: Buffer.alloc(16, 1) }),
      /tree does not end where the metadata says, at byte 6/,
      'no separator',
    ],
  ] as const) {
    t.throws(() => openMmdb(bytes, 'test.mmdb'), { code: 'GEO_DATABASE_INVALID', message: fault }, why)
    t.throws(() => openMmdb(bytes, 'test.mmdb'), { message: /^test\.mmdb: .*; fetch or build this database again$/ })
  }
})

t.test('all faults of the metadata are told at once', async t => {
  const bytes = rawMmdb({
    nodes: [[1, 1]],
    metadata: {
      binary_format_major_version: 3,
      node_count: 0,
      record_size: 23,
      ip_version: 5,
      database_type: undefined,
      build_epoch: 2n ** 64n - 1n,
      languages: [1],
      description: 'Trial',
    },
  })
  t.throws(() => openMmdb(bytes, 'test.mmdb'), {
    message: [
      'test.mmdb: metadata binary_format_major_version: expected 2, not 3',
      'metadata node_count: expected a whole number of at least 1, not 0',
      'metadata record_size: expected 24, 28 or 32, not 23',
      'metadata ip_version: expected 4 or 6, not 5',
      'metadata database_type: expected text, not nothing',
      'metadata build_epoch: expected seconds since 1970, not "18446744073709551615"',
      'metadata languages: expected a list of texts, not [1]',
      'metadata description: expected a map, not "Trial"; fetch or build this database again',
    ].join('; '),
  })
})

t.test('faults of the search tree', async t => {
  const chain = (length: number): [number, number][] => Array.from({ length }, (_, node) => [node + 1, length])
  const doubling = (levels: number): [number, number][] => Array.from({ length: levels }, (_, i) => [i + 1, i + 1])
  for (const [nodes, metadata, fault, why] of [
    [[[0, 1]], {}, /leads in a circle at node 0/, 'root that contains itself'],
    [[[1, 3], [2, 3], [3, 1]], {}, /leads in a circle at node 1/, 'circle further down'], // biome-ignore format: nodes
    [[[toData(1, 0) - 1, 1]], {}, /node 0 of its search tree leads to 16, outside/, 'into the separator'],
    [[[2, 1]], {}, /node 0 of its search tree leads to 2, outside/, 'beyond the last node'],
    [[[1, toData(1, 1)]], {}, /node 0 of its search tree leads to 18, outside/, 'behind the data'],
    [chain(33), {}, /deeper than 32 bits at node 32/, 'path longer than an IPv4 address'],
    [chain(129), { ip_version: 6 }, /deeper than 128 bits at node 128/, 'path longer than an IPv6 address'],
    [[[1, 2], ...chain(32).map(([l]) => [l + 1, 33] as [number, number])], {}, /deeper than 32 bits/, 'found late'],
    [doubling(30), {}, /unfolds to more than 134217728 nodes/, 'shared subtrees that double thirty times'],
    [doubling(128), { ip_version: 6 }, /unfolds to more than/, 'and 128 times'],
  ] as const) {
    t.throws(
      () => openMmdb(rawMmdb({ nodes: nodes as [number, number][], metadata }), 'test.mmdb'),
      { code: 'GEO_DATABASE_INVALID', message: fault },
      why,
    )
  }
  t.doesNotThrow(() => openMmdb(rawMmdb({ nodes: chain(32) }), 'test.mmdb'), 'a path of 32 bits')
  t.doesNotThrow(() => openMmdb(rawMmdb({ nodes: doubling(20) }), 'test.mmdb'), 'a million shared nodes')
})

t.test('broken data is found by checking, not only when it is asked for', async t => {
  const bytes = rawMmdb({ nodes: [[1, toData(1, 0)]], data: Buffer.from('42ff', 'hex') })
  const reader = openMmdb(bytes, 'test.mmdb')
  const fault = { code: 'GEO_DATABASE_INVALID', message: /^test\.mmdb: the value at data offset 1 runs over the end/ }
  t.throws(() => checkMmdb(reader), fault)
  t.throws(() => reader.decode(0), fault)
})

t.test('a walk goes in address order, with signed words', async t => {
  const data = toData(2, 0)
  const bytes = rawMmdb({ nodes: [[data, 1], [2, data]] }) // biome-ignore format: nodes
  const visits: number[][] = []
  openMmdb(bytes, 'test.mmdb').walk(4, (...visit) => visits.push(visit))
  t.same(visits, [
    [0, 0, 0, 0, 1, 0],
    [0xc000_0000 | 0, 0, 0, 0, 2, 0],
  ])
  t.same(networksOf(bytes, 6), [], 'there is no IPv6 in an IPv4 tree')
})

t.test('IPv4 and its aliases are left out of the walk over IPv6', async t => {
  /** A tree with one path of zeros down to 96 bits; the right-hand record of some nodes on it can be given. */
  const tree = (ipv4: number, right: Readonly<Record<number, number>>, more: readonly [number, number][] = []) => {
    const count = 97 + more.length
    const path = Array.from({ length: 96 }, (_, depth): [number, number] => [
      depth === 95 ? ipv4 : depth + 1,
      right[depth] ?? count,
    ])
    return rawMmdb({ nodes: [...path, [toData(count, 0), count], ...more], metadata: { ip_version: 6 } })
  }
  const count = 97
  const data = toData(count, 0)

  const plain = tree(96, { 0: data })
  t.same(networksOf(plain, 4), ['0.0.0.0/1'])
  t.same(networksOf(plain, 6), ['8000::/1'])

  const shared = tree(96, { 94: 96 })
  t.same(networksOf(shared, 6), ['::2:0:0/96'], 'a subtree shared with IPv4 elsewhere is no alias')

  t.same(networksOf(tree(data, {}), 4), ['0.0.0.0/0'], 'one record for all of IPv4')
  t.same(networksOf(tree(data, {}), 6), [])
  t.same(networksOf(tree(count, { 0: data }), 4), [], 'nothing for IPv4')

  const wide = rawMmdb({ nodes: [[toData(1, 0), 1]], metadata: { ip_version: 6 } })
  t.same(networksOf(wide, 4), ['0.0.0.0/0'], 'a network that reaches beyond IPv4 is in both')
  t.same(networksOf(wide, 6), ['::/1'])
})

t.test('records of 24, 28 and 32 bits', async t => {
  for (const [recordSize, tree] of [
    [24, '000001 000011'],
    [28, '000001 00 000011'],
    [32, '00000001 00000011'],
  ] as const) {
    const whole = rawMmdb({ nodes: [[1, 1]], data: encoded('x'), metadata: { record_size: recordSize } })
    const bytes = Buffer.concat([Buffer.from(tree.replaceAll(' ', ''), 'hex'), whole.subarray(6)])
    t.same(networksOf(bytes, 4), ['128.0.0.0/1'], `${recordSize} bits`)
  }
})

t.test('bytes changed at random are a fault or harmless, and never anything else', async t => {
  const writer = new MmdbWriter({ databaseType: 'Test', ipVersion: 6, builtAt: new Date(1_780_000_000_000) })
  for (const [text, record] of [
    ['192.0.2.0/24', { country: { iso_code: 'NL' }, location: { latitude: 52, longitude: 5 } }],
    ['198.51.100.0/25', { country: { iso_code: 'DE' }, list: [1, 2n ** 60n, true, 1.5] }],
    ['2001:db8::/40', { country: { iso_code: 'FR' }, names: { en: 'Łódź', de: 'Lodsch' } }],
  ] as const) {
    writer.insert(networkFrom(text), record)
  }
  const whole = Buffer.from(writer.toBytes())
  const random = seededRandom(3)
  const outcomes = { fault: 0, harmless: 0 }
  for (let i = 0; i < 5000; i++) {
    const broken = Buffer.from(whole)
    for (let n = randomInteger(random, 8); n >= 0; n--) broken[randomInteger(random, broken.length)] = random() * 256
    try {
      checkMmdb(openMmdb(broken, 'test.mmdb'))
      outcomes.harmless++
    } catch (error) {
      if (!(error instanceof MeridianError) || error.code !== 'GEO_DATABASE_INVALID') throw error
      outcomes.fault++
    }
  }
  t.ok(outcomes.fault > 1000 && outcomes.harmless > 100, JSON.stringify(outcomes))
})
