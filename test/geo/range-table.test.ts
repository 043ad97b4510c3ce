import t from 'tap'
import {
  addressFromBytes,
  addressToBytes,
  type ClientAddress,
  formatAddress,
  parseAddress,
} from '../../src/geo/address.ts'
import { type AddressMap, mapNetworks, type NumberedNetwork } from '../../src/geo/address-map.ts'
import { formatNetwork, type Network, networkContains, networkOf } from '../../src/geo/network.ts'
import { networkFrom } from '../support/network-from.ts'
import { randomAddress } from '../support/random-addresses.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const map = mapNetworks([
  numbered('10.0.0.0/8', 1),
  numbered('10.8.0.0/16', 2),
  numbered('10.8.0.0/24', 3),
  numbered('10.8.1.0/24', 3), // the same as its neighbour: both are one /23
  numbered('10.8.255.255/32', 4),
  numbered('255.255.255.0/24', 5),
  numbered('2000::/3', 6),
  numbered('2001:db8::/32', 7),
  numbered('2001:db8::1/128', 8),
  numbered('ffff::/16', 9),
])

t.test('the longest prefix wins, and the answer knows how far it is good', async t => {
  for (const [text, value, goodFor] of [
    ['0.0.0.0', 0, '0.0.0.0/5'],
    ['9.255.255.255', 0, '8.0.0.0/7'],
    ['10.0.0.0', 1, '10.0.0.0/13'],
    ['10.8.0.77', 3, '10.8.0.0/23'],
    ['10.8.1.255', 3, '10.8.0.0/23'],
    ['10.8.2.0', 2, '10.8.2.0/23'],
    ['10.8.255.254', 2, '10.8.255.254/32'],
    ['10.8.255.255', 4, '10.8.255.255/32'],
    ['10.9.0.0', 1, '10.9.0.0/16'],
    ['10.255.255.255', 1, '10.128.0.0/9'],
    ['11.0.0.0', 0, '11.0.0.0/8'],
    ['255.255.254.255', 0, '255.255.254.0/24'],
    ['255.255.255.255', 5, '255.255.255.0/24'],
    ['::', 0, '::/3'],
    ['2000::', 6, '2000::/16'],
    ['2001:db8::', 7, '2001:db8::/128'],
    ['2001:db8::1', 8, '2001:db8::1/128'],
    ['2001:db8::2', 7, '2001:db8::2/127'],
    ['2001:db8:ffff::', 7, '2001:db8:8000::/33'],
    ['3fff:ffff::', 6, '3000::/4'],
    ['4000::', 0, '4000::/2'],
    ['ffff::', 9, 'ffff::/16'],
  ] as const) {
    const address = parseAddress(text)!
    t.equal(map.valueOf(address), value, text)
    t.equal(formatNetwork(networkOf(address, map.prefixLengthOf(address))), goodFor, text)
  }
})

t.test('a map of nothing answers 0 for everything, and one of everything its number', async t => {
  const everything = mapNetworks([numbered('0.0.0.0/0', 7), numbered('::/0', 8)])
  for (const [text, value] of [
    ['0.0.0.0', 7],
    ['128.0.0.0', 7],
    ['255.255.255.255', 7],
    ['::', 8],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 8],
  ] as const) {
    const address = parseAddress(text)!
    t.equal(mapNetworks([]).valueOf(address), 0)
    t.equal(mapNetworks([]).prefixLengthOf(address), 0)
    t.equal(everything.valueOf(address), value)
    t.equal(everything.prefixLengthOf(address), 0)
  }
})

t.test('neighbours of the same number are one range', async t => {
  const halves = mapNetworks([
    numbered('0.0.0.0/1', 3),
    numbered('128.0.0.0/1', 3),
    numbered('::/1', 4),
    numbered('8000::/1', 4),
  ])
  t.equal(halves.prefixLengthOf(parseAddress('1.2.3.4')!), 0)
  t.equal(halves.prefixLengthOf(parseAddress('ffff::')!), 0)
})

t.test('of the same network twice, the last wins', async t => {
  const twice = mapNetworks([numbered('10.0.0.0/8', 1), numbered('10.0.0.0/8', 2)])
  t.equal(twice.valueOf(parseAddress('10.1.1.1')!), 2)
})

t.test('random nested networks answer as a search through the list would', async t => {
  const random = seededRandom(4)
  const wrong: string[] = []
  for (let round = 0; round < 60; round++) {
    const networks: NumberedNetwork[] = []
    const deepest = round % 2 === 0 ? 64 : 128
    for (let count = randomInteger(random, 60); count >= 0; count--) {
      const near = random() < 0.7 ? networks.at(randomInteger(random, networks.length || 1))?.network : undefined
      const address = randomAddress(random, near)
      const network = networkOf(address, randomInteger(random, address.family === 4 ? 33 : deepest + 1))
      if (!networks.some(other => formatNetwork(other.network) === formatNetwork(network))) {
        networks.push({ network, value: randomInteger(random, 4) })
      }
    }
    const map = mapNetworks(networks)
    for (let probe = 0; probe < 200; probe++) {
      const address = randomAddress(random, networks[randomInteger(random, networks.length)]!.network)
      const fault = disagreement(map, networks, address)
      if (fault !== undefined) wrong.push(fault)
    }
  }
  t.same(wrong, [])
})

t.test('a table large enough for a full index answers as a sorted list would', async t => {
  const random = seededRandom(5)
  const networks = Array.from({ length: 100_000 }, (_, i) => ({
    network: networkOf(randomAddress(random), 8 + randomInteger(random, 25)),
    value: i % 1000,
  }))
  const distinct = [...new Map(networks.map(entry => [formatNetwork(entry.network), entry])).values()]
  const byText = new Map(distinct.map(entry => [formatNetwork(entry.network), entry.value]))
  const map = mapNetworks(distinct)
  const wrong: string[] = []
  for (let probe = 0; probe < 20_000; probe++) {
    const address = randomAddress(random, distinct[randomInteger(random, distinct.length)]!.network)
    let length = 32
    while (length >= 0 && !byText.has(formatNetwork(networkOf(address, length)))) length--
    const expected = length < 0 ? 0 : byText.get(formatNetwork(networkOf(address, length)))
    if (map.valueOf(address) !== expected) wrong.push(formatAddress(address))
  }
  t.same(wrong, [])
})

function numbered(text: string, value: number): NumberedNetwork {
  return { network: networkFrom(text), value }
}

/** What is wrong with the map's answers for an address, by the slow way of asking every network. */
function disagreement(
  map: AddressMap,
  networks: readonly NumberedNetwork[],
  address: ClientAddress,
): string | undefined {
  const longestFirst = [...networks].sort((a, b) => b.network.prefixLength - a.network.prefixLength)
  const naive = (asked: ClientAddress) => longestFirst.find(entry => networkContains(entry.network, asked))?.value ?? 0
  // The number can only change where a network begins, and after one has ended.
  const seams = networks.flatMap(({ network }) => [network.address, ...addressAfter(network)])
  const isUniform = (prefixLength: number) => {
    const block = networkOf(address, prefixLength)
    const places = [block.address, ...seams.filter(seam => networkContains(block, seam))]
    return places.every(place => naive(place) === value)
  }
  const text = formatAddress(address)
  const value = map.valueOf(address)
  if (value !== naive(address)) return `${text} is ${value}, not ${naive(address)}`
  const length = map.prefixLengthOf(address)
  if (!isUniform(length)) return `${text} is not the same over its whole /${length}`
  if (length > 0 && isUniform(length - 1)) return `${text} is the same over more than its /${length}`
  return undefined
}

/** The first address after a network; none at the end of the address space. */
function addressAfter({ address, prefixLength }: Network): ClientAddress[] {
  const bytes = addressToBytes(address)
  const next = BigInt(`0x${Buffer.from(bytes).toString('hex')}`) + (1n << BigInt(bytes.length * 8 - prefixLength))
  const hex = next.toString(16).padStart(bytes.length * 2, '0')
  return hex.length > bytes.length * 2 ? [] : [addressFromBytes(Buffer.from(hex, 'hex'), 0, bytes.length)!]
}
