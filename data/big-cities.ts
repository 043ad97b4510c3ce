/** The most populous places of the world, each with its surroundings: where simulated clients live. */

import { arcKm, earthRadiusKm, toUnitVector, type UnitVector } from '../src/geo/coordinates.ts'
import { continentOf } from './continents.ts'
import type { PopulatedPlace } from './populated-places.ts'

export interface BigCity {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly continent: string
  /** Of the place and of the smaller ones around it. */
  readonly population: number
}

interface Centre {
  readonly place: PopulatedPlace
  readonly at: UnitVector
  population: number
}

/**
 * The `count` largest, the largest first. From the largest place down, each one counts for the nearest larger one
 * within `withinKm`, whatever country that is in, and stands for itself where there is none. Boroughs that the source
 * lists beside their city count twice, which brings cities nearer to their metropolitan areas than their own limits do.
 */
export function bigCities(places: readonly PopulatedPlace[], count: number, withinKm: number): BigCity[] {
  const centres = new Neighbourhood(withinKm)
  for (const place of [...places].sort((a, b) => b.population - a.population)) {
    const at = toUnitVector(place.coordinates)
    const larger = centres.nearest(at)
    if (larger === undefined) centres.add({ place, at, population: place.population })
    else larger.population += place.population
  }
  return centres.all
    .sort((a, b) => b.population - a.population)
    .slice(0, count)
    .map(({ place: { name, country, coordinates }, population }) => {
      const continent = continentOf.get(country)
      if (continent === undefined) throw new Error(`${name}: no continent is known for the country ${country}`)
      const [latitude, longitude] = [hundredths(coordinates.latitude), hundredths(coordinates.longitude)]
      return { name, latitude, longitude, country, continent, population }
    })
}

/** Centres by cubes of space with sides of the distance that is asked for: neighbours are in adjacent cubes. */
class Neighbourhood {
  readonly all: Centre[] = []
  readonly #withinKm: number
  readonly #cubes = new Map<number, Centre[]>()

  constructor(withinKm: number) {
    this.#withinKm = withinKm
  }

  add(centre: Centre): void {
    this.all.push(centre)
    const cube = cubeNumber(...this.#cube(centre.at))
    const found = this.#cubes.get(cube)
    if (found === undefined) this.#cubes.set(cube, [centre])
    else found.push(centre)
  }

  nearest(at: UnitVector): Centre | undefined {
    const [x, y, z] = this.#cube(at)
    let nearest: Centre | undefined
    let least = this.#withinKm
    for (let i = 0; i < 27; i++) {
      const cube = cubeNumber(x + (i % 3) - 1, y + (Math.floor(i / 3) % 3) - 1, z + Math.floor(i / 9) - 1)
      for (const centre of this.#cubes.get(cube) ?? []) {
        const km = arcKm(at, centre.at)
        if (km >= least) continue
        nearest = centre
        least = km
      }
    }
    return nearest
  }

  #cube({ x, y, z }: UnitVector): [number, number, number] {
    const perUnit = earthRadiusKm / this.#withinKm
    return [Math.floor(x * perUnit), Math.floor(y * perUnit), Math.floor(z * perUnit)]
  }
}

function cubeNumber(x: number, y: number, z: number): number {
  return (x * 2 ** 16 + y) * 2 ** 16 + z
}

function hundredths(degrees: number): number {
  return Math.round(degrees * 100) / 100 + 0
}
