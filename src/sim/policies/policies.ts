/** Every policy that can be simulated, by the name that people type. */

import type { Optimum } from '../optimum.ts'
import type { Policy } from '../policy.ts'
import { linear } from './linear.ts'
import { meridian } from './meridian.ts'
import { nearest } from './nearest.ts'
import { nearestBelowThreshold } from './nearest-below-threshold.ts'
import { optimumSplit } from './optimum-split.ts'
import { powerOfTwo } from './power-of-two.ts'
import { roundRobin } from './round-robin.ts'

const reacting = [meridian, nearest, nearestBelowThreshold, linear, powerOfTwo, roundRobin]

/** In the order in which they are best compared: Meridian first, what only a simulation can do last. */
export const policyNames: readonly string[] = [...reacting.map(({ name }) => name), 'optimum-split']

/**
 * @param optimumOf the world's optimum (`computeOptimum`); asked for only by policies that need it
 * @returns undefined for a name that is not among `policyNames`
 */
export async function policyNamed(
  name: string,
  optimumOf: () => Promise<Optimum | undefined>,
): Promise<Policy | undefined> {
  if (name === 'optimum-split') return optimumSplit(await optimumOf())
  return reacting.find(policy => policy.name === name)
}
