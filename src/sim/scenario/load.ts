/** How much is asked for, and how long it takes. */

import { parseDuration } from '../../config/duration.ts'
import type { Region } from '../../regions/region.ts'
import type { Fault } from '../../schema.ts'
import type { City, Demand, Service } from '../world.ts'
import type { Scenario } from './schema.ts'
import { rateOf, readTrace, stretchTrace } from './trace.ts'

/** What a section can say wrongly by itself. */
export function loadFaults({ load }: Scenario): Fault[] {
  const faults: Fault[] = []
  const kinds = Object.keys(load.service)
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'none' : kinds.join(' and ')
    const message = `expected one of lognormal, exponential, constant, trace, not ${found}`
    faults.push({ path: 'load.service', message })
  }
  const amounts = [load.ofCapacity, load.requestsPerSecond].filter(amount => amount !== undefined).length
  if (amounts === 2) faults.push({ path: 'load', message: 'expected ofCapacity or requestsPerSecond, not both' })
  if (amounts === 0 && load.service.trace === undefined) {
    faults.push({ path: 'load', message: 'expected ofCapacity or requestsPerSecond, not neither' })
  }
  return faults
}

/** @param trace text of the trace's file, where there is one */
export function readLoad(
  scenario: Scenario,
  cities: readonly City[],
  regions: readonly Region[],
  trace: string | undefined,
  faults: Fault[],
): { readonly demand: Demand; readonly service: Service } {
  const { load, clients, bursts, duration } = scenario
  const recorded = trace === undefined ? undefined : readTrace(trace, load.service.trace!, faults)
  const isReadable = recorded !== undefined && recorded.atMs.length > 0
  const service: Service = isReadable
    ? { kind: 'constant', meanMs: recorded.serviceMs.reduce((sum, ms) => sum + ms, 0) / recorded.serviceMs.length }
    : serviceOf(load.service)
  const slots = regions.reduce((sum, { capacityRequests }) => sum + capacityRequests!, 0)
  const wanted =
    load.ofCapacity === undefined ? load.requestsPerSecond : (1000 * load.ofCapacity * slots) / service.meanMs
  const perSecond = wanted ?? (isReadable ? rateOf(recorded) : 0)
  const people = cities.reduce((sum, { population }) => sum + population, 0)
  return {
    service,
    demand: {
      perSecond: Float64Array.from(cities, ({ population }) => (perSecond * population) / people),
      daily: clients.daily,
      ...(bursts !== undefined && {
        bursts: { perSecond: bursts.perSecond, clients: bursts.clients, withinMs: parseDuration(bursts.within) },
      }),
      ...(isReadable && { trace: stretchTrace(recorded, perSecond, duration) }),
    },
  }
}

function serviceOf({ lognormal, exponential, constant }: Scenario['load']['service']): Service {
  if (lognormal !== undefined) {
    return { kind: 'lognormal', meanMs: parseDuration(lognormal.mean), sigma: lognormal.sigma }
  }
  if (exponential !== undefined) return { kind: 'exponential', meanMs: parseDuration(exponential) }
  return { kind: 'constant', meanMs: parseDuration(constant ?? '1s') }
}
