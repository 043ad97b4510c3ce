/**
 * For each country, the middle of its people: the point to use for a client of whom only the country is known.
 *
 * The middle of a country's land may be a desert or a sea; the population-weighted point is near somebody.
 */

import type { Coordinates } from './coordinates.ts'

export interface CountryPoint extends Coordinates {
  /** Two letters, as in `Location`. */
  readonly continent: string
}

/** By ISO 3166-1 alpha-2 code. */
export type CountryPoints = Readonly<Record<string, CountryPoint>>

/** Codes of the continents, as GeoNames and MaxMind have them. */
export const continents = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const
