/** A network written in a test: a typing error there is a failure of the test itself. */

import { type Network, parseNetwork } from '../../src/geo/network.ts'

export function networkFrom(text: string): Network {
  const network = parseNetwork(text)
  if (!network.ok) throw new Error(network.faults[0]!.message)
  return network.value
}
