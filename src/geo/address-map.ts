/**
 * A number for every address of both families, 0 where no network was given: databases, AS numbers, overrides and
 * trusted networks are all kept this way.
 */

import type { ClientAddress } from './address.ts'
import type { Network } from './network.ts'
import { networkContains } from './network.ts'
import { type RangeColumns, RangeTable } from './range-table.ts'
import { RangeTableBuilder } from './range-table-builder.ts'

/** What a map consists of; may be sent to another thread. */
export interface AddressMapColumns {
  readonly ipv4: RangeColumns
  readonly ipv6: RangeColumns
}

/** Takes addresses as they are: whoever wants IPv4 inside IPv6 unfolded does that first, or asks `ipv4` with the word. */
export class AddressMap {
  readonly ipv4: RangeTable
  readonly ipv6: RangeTable

  constructor(columns: AddressMapColumns) {
    this.ipv4 = new RangeTable(columns.ipv4)
    this.ipv6 = new RangeTable(columns.ipv6)
  }

  valueOf({ family, w0, w1, w2, w3 }: ClientAddress): number {
    return family === 4 ? this.ipv4.valueOf(w0, 0, 0, 0) : this.ipv6.valueOf(w0, w1, w2, w3)
  }

  /** Length of the widest prefix around the address in which every address has the same number. */
  prefixLengthOf({ family, w0, w1, w2, w3 }: ClientAddress): number {
    return family === 4 ? this.ipv4.prefixLengthOf(w0, 0, 0, 0) : this.ipv6.prefixLengthOf(w0, w1, w2, w3)
  }
}

export interface NumberedNetwork {
  readonly network: Network
  /** A 32-bit number from 0; 0 is "nothing known", and may be used to cut a hole into a wider network. */
  readonly value: number
}

/** A map of networks that may lie in each other: the longest prefix wins. Of the same network twice, the last wins. */
export function mapNetworks(networks: readonly NumberedNetwork[]): AddressMap {
  return new AddressMap({ ipv4: flatten(networks, 4), ipv6: flatten(networks, 6) })
}

function flatten(networks: readonly NumberedNetwork[], family: 4 | 6): RangeColumns {
  const builder = new RangeTableBuilder(family)
  /** The networks around the place that the sweep has come to, the widest first. */
  const open: NumberedNetwork[] = []
  const close = () => {
    const { address, prefixLength } = open.pop()!.network
    builder.endNetwork(address.w0, address.w1, address.w2, address.w3, prefixLength, open.at(-1)?.value ?? 0)
  }
  for (const entry of networks.filter(({ network }) => network.address.family === family).sort(byStartThenLength)) {
    const { w0, w1, w2, w3 } = entry.network.address
    while (open.length > 0 && !networkContains(open.at(-1)!.network, entry.network.address)) close()
    builder.startRange(w0, w1, w2, w3, entry.value)
    open.push(entry)
  }
  while (open.length > 0) close()
  return builder.finish()
}

function byStartThenLength({ network: a }: NumberedNetwork, { network: b }: NumberedNetwork): number {
  return (
    (a.address.w0 >>> 0) - (b.address.w0 >>> 0) ||
    (a.address.w1 >>> 0) - (b.address.w1 >>> 0) ||
    (a.address.w2 >>> 0) - (b.address.w2 >>> 0) ||
    (a.address.w3 >>> 0) - (b.address.w3 >>> 0) ||
    a.prefixLength - b.prefixLength
  )
}
