/**
 * What a router tells the other routers of its fleet of itself: that it lives, and where it listens.
 *
 * Regions are held against it: nobody may send a router, or its clients, to the admin port of another one.
 */

import Type, { type Static } from 'typebox'
import { parseAddress } from '../geo/address.ts'
import { checker, formatFault, shown } from '../schema.ts'

/** More are not told; what a machine has beyond that belongs to services on it rather than to itself. */
export const mostAddresses = 128

const Listener = Type.Object({
  role: Type.Unsafe<'control' | 'data'>(Type.String({ enum: ['control', 'data'] })),
  /** As bound: `0.0.0.0` and `::` stand for all addresses of the machine. */
  address: Type.String({ maxLength: 45 }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
})

/** Later routers may tell more. */
export const RouterPresence = Type.Object({
  /** `router.id`. */
  id: Type.String({ minLength: 1, maxLength: 63 }),
  /** Its host name: routers of one machine share their loopback. */
  machine: Type.String({ maxLength: 255 }),
  /** Milliseconds since 1970, on its own clock. */
  startedAt: Type.Number(),
  listeners: Type.Array(Listener, { maxItems: 64 }),
  /** Of its network interfaces. */
  addresses: Type.Array(Type.String({ maxLength: 45 }), { maxItems: mostAddresses }),
})

export type RouterListener = Readonly<Static<typeof Listener>>

type Message = Static<typeof RouterPresence>

export interface RouterPresence extends Readonly<Omit<Message, 'listeners' | 'addresses'>> {
  readonly listeners: readonly RouterListener[]
  readonly addresses: readonly string[]
}

const check = checker(RouterPresence)

/** From what another router wrote. @throws Error with every fault */
export function parsePresence(text: string): RouterPresence {
  const checked = check(JSON.parse(text))
  if (!checked.ok) throw new Error(checked.faults.map(formatFault).join('; '))
  const { listeners } = checked.value
  const wrong = listeners.find(({ address }) => parseAddress(address) === undefined)
  if (wrong !== undefined) throw new Error(`it listens on ${shown(wrong.address)}, which is no address`)
  return checked.value
}
