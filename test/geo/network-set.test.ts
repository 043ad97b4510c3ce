import t from 'tap'
import { parseAddress } from '../../src/geo/address.ts'
import { createNetworkSet } from '../../src/geo/network-set.ts'
import { networkFrom } from '../support/network-from.ts'

const loopback = setOf('127.0.0.0/8', '::1/128')

t.test('a mapped address counts as the IPv4 address it maps, no other embedding does', async t => {
  for (const [set, text, contained] of [
    [loopback, '127.0.0.1', true],
    [loopback, '128.0.0.1', false],
    [loopback, '::1', true],
    [loopback, '::2', false],
    [loopback, '::ffff:127.0.0.1', true], // an IPv4 peer of a listener on ::
    [loopback, '::ffff:128.0.0.1', false],
    [loopback, '64:ff9b::127.0.0.1', false],
    [loopback, '2002:7f00:1::', false],
    [loopback, '2001:0:4136:e378:8000:63bf:80ff:fffe', false],
    [setOf('::/0'), '::ffff:1.2.3.4', false], // IPv4 is not part of IPv6
    [setOf('::/0'), '1.2.3.4', false],
    [setOf('::/0'), '2001:db8::1', true],
    [setOf('0.0.0.0/0'), '2001:db8::1', false],
    [setOf('::ffff:10.0.0.0/104'), '10.1.2.3', true],
    [setOf('::ffff:10.0.0.0/104'), '::ffff:10.1.2.3', true],
    [setOf('::ffff:10.0.0.0/104'), '::ffff:11.1.2.3', false],
    [setOf(), '127.0.0.1', false],
    [setOf('10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8'), '10.2.0.0', true],
  ] as const) {
    t.equal(set.contains(parseAddress(text)!), contained, text)
  }
})

function setOf(...networks: string[]) {
  return createNetworkSet(networks.map(networkFrom))
}
