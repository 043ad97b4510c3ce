/**
 * Checks a region from outside, from a file or the API: the schema, and what a schema cannot say of endpoints.
 *
 * Both are looked at in one go, so that a reader mends a file once. Whether an endpoint is allowed is another question:
 * see `allowed-endpoints.ts`.
 */

import { MeridianError } from '../errors.ts'
import { parseAddress } from '../geo/address.ts'
import { type Checked, checker, type Fault, formatFault, shown } from '../schema.ts'
import { endpointUrlFault } from './endpoint-url.ts'
import { Region } from './region.ts'

const checkSchema = checker(Region)

/** A region with its defaults filled in, or every fault of the value at once. */
export function inspectRegion(value: unknown): Checked<Region> {
  const checked = checkSchema(value)
  const faults = [...(checked.ok ? [] : checked.faults), ...endpointFaults(value)]
  return checked.ok && faults.length === 0 ? checked : { ok: false, faults }
}

/**
 * A region with its defaults filled in.
 *
 * @param where what to call the value in the message: a file name, `the body`
 * @throws MeridianError REGION_INVALID with every fault
 */
export function checkRegion(value: unknown, where: string): Region {
  const checked = inspectRegion(value)
  if (checked.ok) return checked.value
  const faults = checked.faults.map(formatFault)
  throw new MeridianError('REGION_INVALID', `${where}: ${faults.join('; ')}`, { faults })
}

/** Looks at a value that may have failed the schema; whatever has the wrong type is left to the schema's own words. */
function endpointFaults(value: unknown): Fault[] {
  const endpoints = member(value, 'endpoints')
  const urls = ['publicUrl', 'originUrl'].map(key => {
    const url = member(endpoints, key)
    return { path: `endpoints.${key}`, message: typeof url === 'string' ? endpointUrlFault(url) : undefined }
  })
  return [...urls, ...addressFaults(endpoints, 'ipv4', 4), ...addressFaults(endpoints, 'ipv6', 6)].filter(
    (fault): fault is Fault => fault.message !== undefined,
  )
}

function addressFaults(endpoints: unknown, key: string, family: 4 | 6): Fault[] {
  const addresses = member(endpoints, key)
  if (!Array.isArray(addresses)) return []
  return addresses.flatMap((text: unknown, index) =>
    typeof text !== 'string' || parseAddress(text)?.family === family
      ? []
      : [{ path: `endpoints.${key}[${index}]`, message: `expected an IPv${family} address, not ${shown(text)}` }],
  )
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
}
