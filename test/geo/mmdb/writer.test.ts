/**
 * Pins what the writer makes of networks and records: the same answers to our reader, to mmdb-lib and to libmaxminddb, in
 * files without anything twice.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Reader } from 'mmdb-lib'
import t from 'tap'
import type { Random } from '../../../src/clock.ts'
import { ClientAddress, formatAddress, parseAddress } from '../../../src/geo/address.ts'
import { checkMmdb } from '../../../src/geo/mmdb/check.ts'
import { MmdbNumber, type MmdbValue } from '../../../src/geo/mmdb/encode.ts'
import { openMmdb } from '../../../src/geo/mmdb/reader.ts'
import { MmdbWriter } from '../../../src/geo/mmdb/writer.ts'
import { formatNetwork, type Network, networkContains, networkOf } from '../../../src/geo/network.ts'
import { networkFrom } from '../../support/network-from.ts'
import { randomAddress } from '../../support/random-addresses.ts'
import { randomInteger, seededRandom } from '../../support/seeded-random.ts'

const builtAt = new Date('2026-06-01T00:00:00Z')
const withoutMmdblookup = spawnSync('mmdblookup', ['--version']).status === 0 ? false : 'mmdblookup is not installed'

type Entry = readonly [network: Network, record: MmdbValue]

function write(entries: readonly Entry[], ipVersion: 4 | 6 = 6): Uint8Array {
  const writer = new MmdbWriter({ databaseType: 'Test', ipVersion, builtAt, languages: ['en'], description: 'Trial' })
  for (const [network, record] of entries) writer.insert(network, record)
  return writer.toBytes()
}

function writeTexts(entries: Readonly<Record<string, MmdbValue>>, ipVersion: 4 | 6 = 6): Uint8Array {
  return write(
    Object.entries(entries).map(([text, record]) => [networkFrom(text), record]),
    ipVersion,
  )
}

/** Every network of a file with its record, IPv4 first. */
function contentOf(bytes: Uint8Array): Record<string, unknown> {
  const reader = openMmdb(bytes, 'test.mmdb')
  const content: Record<string, unknown> = {}
  for (const family of [4, 6] as const) {
    reader.walk(family, (w0, w1, w2, w3, prefixLength, recordOffset) => {
      const network = { address: new ClientAddress(family, w0, w1, w2, w3), prefixLength }
      content[formatNetwork(network)] = reader.decode(recordOffset)
    })
  }
  return content
}

t.test('networks come back as few as possible', async t => {
  for (const [inserted, expected, why] of [
    [{}, {}, 'nothing'],
    [{ '10.0.0.0/8': 'a' }, { '10.0.0.0/8': 'a' }, 'one network'],
    [{ '0.0.0.0/0': 'a' }, { '0.0.0.0/0': 'a' }, 'all of IPv4'],
    [{ '::/0': 'a' }, { '0.0.0.0/0': 'a', '::/1': 'a', '8000::/1': 'a' }, 'everything: no tree without a node'],
    [{ '10.0.0.0/9': 'a', '10.128.0.0/9': 'a' }, { '10.0.0.0/8': 'a' }, 'equal neighbours are one'],
    [{ '10.0.0.0/9': { b: 1 }, '10.128.0.0/9': { b: 1 } }, { '10.0.0.0/8': { b: 1 } }, 'equal by value'],
    [
      { '10.0.0.0/9': 'a', '10.128.0.0/9': 'b' },
      { '10.0.0.0/9': 'a', '10.128.0.0/9': 'b' },
      'different neighbours stay',
    ],
    [
      { '10.0.0.0/8': 'a', '10.128.0.0/10': 'b' },
      { '10.0.0.0/9': 'a', '10.128.0.0/10': 'b', '10.192.0.0/10': 'a' },
      'a network in a wider one',
    ],
    [{ '10.128.0.0/10': 'b', '10.0.0.0/8': 'a' }, { '10.0.0.0/8': 'a' }, 'and over a narrower one'],
    [{ '2001:db8::/32': 'a', '1.2.3.4/32': 'b' }, { '1.2.3.4/32': 'b', '2001:db8::/32': 'a' }, 'both families'],
    [{ '::102:304/128': 'a' }, { '1.2.3.4/32': 'a' }, 'IPv4 written as IPv6'],
    [{ '2002::/16': 'a', '1.0.0.0/8': 'b' }, { '1.0.0.0/8': 'b' }, 'an alias of IPv4 wins'],
  ] as [Record<string, MmdbValue>, Record<string, unknown>, string][]) {
    t.same(contentOf(writeTexts(inserted)), expected, why)
  }
})

t.test('values come back with the type of their key, or the one chosen', { skip: withoutMmdblookup }, async t => {
  const file = join(t.testdir(), 'types.mmdb')
  const record = {
    text: 'Łódź',
    long: 'x'.repeat(70_000),
    empty: '',
    yes: true,
    no: false,
    list: ['a', 1],
    map: { a: 'b' },
    small: 7,
    large: 2 ** 40,
    huge: 2n ** 64n - 1n,
    vast: 2n ** 100n,
    negative: -7,
    fraction: 1.25,
    minusZero: new MmdbNumber('double', -0),
    chosen: new MmdbNumber('float', 1.25),
    bytes: Buffer.from('0aff', 'hex'),
    left_out: undefined,
    location: { latitude: 52, longitude: 0, accuracy_radius: 100 },
  }
  const bytes = writeTexts({ '1.2.3.0/24': record })
  writeFileSync(file, bytes)
  const { left_out, chosen, minusZero, ...rest } = record
  const found = contentOf(bytes)['1.2.3.0/24'] as typeof rest & { minusZero: number; chosen: number }
  t.same({ ...found, bytes: 0 }, { ...rest, minusZero: -0, chosen: 1.25, bytes: 0 })
  t.same([...found.bytes], [0x0a, 0xff])
  t.ok(Object.is(found.minusZero, -0))
  for (const [path, expected] of [
    ['text', '"Łódź" <utf8_string>'],
    ['yes', 'true <boolean>'],
    ['list 1', '1 <uint32>'],
    ['map a', '"b" <utf8_string>'],
    ['small', '7 <uint32>'],
    ['large', '1099511627776 <uint64>'],
    ['huge', '18446744073709551615 <uint64>'],
    ['vast', '0x00000010000000000000000000000000 <uint128>'],
    ['negative', '-7 <int32>'],
    ['fraction', '1.250000 <double>'],
    ['chosen', '1.250000 <float>'],
    ['bytes', '0AFF <bytes>'],
    ['location latitude', '52.000000 <double>'],
    ['location accuracy_radius', '100 <uint16>'],
  ] as const) {
    t.equal(mmdblookup(file, '1.2.3.4', path), expected, path)
  }
})

t.test('random networks in a random order answer like the list of them', async t => {
  const random = seededRandom(11)
  const directory = t.testdir()
  for (let round = 0; round < 30; round++) {
    const ipVersion = round % 3 === 0 ? 4 : 6
    const entries = randomEntries(random, ipVersion)
    const bytes = write(entries, ipVersion)
    const reader = openMmdb(bytes, 'random.mmdb')
    checkMmdb(reader)
    const content = Object.entries(contentOf(bytes)).map(([text, record]) => [networkFrom(text), record] as const)
    const other = new Reader<object>(Buffer.from(bytes))
    const wrong: unknown[] = []
    for (let i = 0; i < 300; i++) {
      const address = randomAddress(random, entries[randomInteger(random, entries.length)]![0])
      if (address.family > ipVersion || /^(::|2001:0?:|2002:)/.test(formatAddress(address))) continue
      const expected = entries.findLast(([network]) => networkContains(network, address))?.[1] ?? null
      const ours = content.find(([network]) => networkContains(network, address))?.[1] ?? null
      const theirs = other.get(formatAddress(address))
      if (JSON.stringify([ours, theirs]) !== JSON.stringify([expected, expected])) {
        wrong.push({ address: formatAddress(address), expected, ours, theirs })
      }
    }
    t.same(wrong, [], `round ${round}: ${entries.length} networks inserted, ${content.length} in the file`)
    if (withoutMmdblookup === false && round < 6) {
      const file = join(directory, `${round}.mmdb`)
      writeFileSync(file, bytes)
      const [network, record] = entries.at(-1)! as [Network, { id: string }]
      t.equal(
        mmdblookup(file, formatAddress(network.address), 'id'),
        `"${record.id}" <utf8_string>`,
        'libmaxminddb agrees',
      )
    }
  }
})

t.test('IPv4 is found under its aliases, too', { skip: withoutMmdblookup }, async t => {
  const file = join(t.testdir(), 'aliases.mmdb')
  writeFileSync(file, writeTexts({ '1.2.3.0/24': { id: 'a' }, '2001:db8::/32': { id: 'b' } }))
  for (const address of ['1.2.3.4', '::ffff:1.2.3.4', '2002:102:304::1', '2001:0:102:304::1']) {
    t.equal(mmdblookup(file, address, 'id'), '"a" <utf8_string>', address)
  }
  t.equal(mmdblookup(file, '2001:db8::1', 'id'), '"b" <utf8_string>')
})

t.test('equal subtrees and equal data stand in the file once', async t => {
  const pattern = (base: string) => ({ [`${base}.0.0.0/16`]: { id: 'a' }, [`${base}.3.0.0/16`]: { id: 'b' } })
  const once = openMmdb(writeTexts(pattern('10'), 4), 'once').metadata
  const eight = openMmdb(
    writeTexts(Object.assign({}, ...[8, 9, 10, 11, 12, 13, 14, 15].map(n => pattern(String(n)))), 4),
    'eight',
  )
  t.equal(eight.metadata.nodeCount, once.nodeCount, 'eight networks alike take no more nodes than one')
  t.equal(checkMmdb(eight).ipv4Networks, 16, 'and are all there')

  const name = 'Llanfairpwllgwyngyll'
  const bytes = writeTexts({ '1.0.0.0/8': { city: name, in: [name] }, '2.0.0.0/8': { in: [name], [name]: 1 } }, 4)
  t.equal(Buffer.from(bytes).toString('latin1').split(name).length - 1, 1, 'a name is written once, as key or value')
  t.same(contentOf(bytes)['2.0.0.0/7'], undefined)
  t.same(contentOf(bytes)['2.0.0.0/8'], { in: [name], [name]: 1 })
})

t.test('records have the smallest size that fits', async t => {
  const filler = (length: number) => ({ f: 'x'.repeat(length) })
  for (const [entries, recordSize] of [
    [{ '1.0.0.0/8': { id: 'a' } }, 24],
    [{ '1.0.0.0/8': filler(16_800_000), '2.0.0.0/8': { id: 'b' }, '129.0.0.0/8': filler(99) }, 28],
  ] as [Record<string, MmdbValue>, number][]) {
    const bytes = writeTexts(entries, 4)
    t.equal(openMmdb(bytes, 'test.mmdb').metadata.recordSize, recordSize)
    const other = new Reader<object>(Buffer.from(bytes))
    for (const [network, record] of Object.entries(entries)) t.same(other.get(network.split('/')[0]!), record, network)
  }
})

t.test('the same insertions make the same bytes', async t => {
  const entries = randomEntries(seededRandom(5), 6)
  const copies = entries.map(([network, record]): Entry => [network, structuredClone(record)])
  t.ok(Buffer.from(write(entries)).equals(write(copies)))
})

t.test('what a file cannot hold is refused', async t => {
  const ipv6 = networkFrom('2001:db8::/32')
  for (const [act, fault] of [
    [() => write([[ipv6, 'a']], 4), /cannot write 2001:db8::\/32: expected IPv4 in a database of ipVersion 4/],
    [
      () => write([[{ ...ipv6, prefixLength: 129 }, 'a']]),
      /cannot write 2001:db8::\/129: expected a prefix length from 0 to 128/,
    ],
    [
      () => write([[ipv6, { latitude: Number.NaN }]]),
      /cannot write NaN for latitude: expected a value that fits into double/,
    ],
    [() => write([[ipv6, { accuracy_radius: 70_000 }]]), /cannot write 70000 for accuracy_radius: .* fits into uint16/],
    [() => write([[ipv6, { confidence: 0.5 }]]), /cannot write 0.5 for confidence: .* fits into uint16/],
    [() => write([[ipv6, new MmdbNumber('uint32', -1)]]), /cannot write -1 for a number: .* fits into uint32/],
    [
      () => write([[ipv6, 2n ** 128n]]),
      /cannot write 340282366920938463463374607431768211456 for a number: .* uint128/,
    ],
    [
      () => write([[ipv6, 'x'.repeat(17_000_000)]]),
      /cannot write 17000000 bytes or entries: expected at most 16843036/,
    ],
  ] as const) {
    t.throws(act, { code: 'GEO_DATABASE_INVALID', message: fault })
  }
})

function mmdblookup(file: string, address: string, path: string): string {
  return execFileSync('mmdblookup', ['--file', file, '--ip', address, ...path.split(' ')], { encoding: 'utf8' }).trim()
}

/** Networks near each other, many of them within each other, with few and shared records. */
function randomEntries(random: Random, ipVersion: 4 | 6): Entry[] {
  const bases = ['10.0.0.0', '172.16.0.0', ...(ipVersion === 6 ? ['2a00::', '2a00:1450:4009::'] : [])]
  return Array.from({ length: 1 + randomInteger(random, 120) }, () => {
    const base = parseAddress(bases[randomInteger(random, bases.length)]!)!
    const least = base.family === 4 ? 8 : 16
    const most = base.family === 4 ? 32 : random() < 0.1 ? 128 : 64
    const prefixLength = least + randomInteger(random, most - least + 1)
    // Never outside the base: an IPv6 network that reaches over ::/96 would change IPv4.
    const within = networkOf(base, least)
    const address = randomAddress(random, within)
    const id = `r${randomInteger(random, 20)}`
    return [networkOf(networkContains(within, address) ? address : base, prefixLength), { id, names: { en: id } }]
  })
}
