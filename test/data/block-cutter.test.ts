/** Pins how networks are cut: what covers most of a block speaks for it. */

import t from 'tap'
import { BlockCutter, heaviest } from '../../data/block-cutter.ts'
import { formatNetwork } from '../../src/geo/network.ts'
import { networkFrom } from '../support/network-from.ts'

function cut(family: 4 | 6, networks: Readonly<Record<string, string>>): Record<string, string> {
  const found: Record<string, string> = {}
  const cutter = new BlockCutter<string>(family, (network, value) => {
    found[formatNetwork(network)] = value
  })
  for (const [text, value] of Object.entries(networks)) {
    const { address, prefixLength } = networkFrom(text)
    cutter.add(address.w0, address.w1, prefixLength, value)
  }
  cutter.finish()
  return found
}

t.test('a block gets what covers most of it', async t => {
  for (const [networks, expected, why] of [
    [{}, {}, 'nothing'],
    [{ '10.0.0.0/8': 'a' }, { '10.0.0.0/8': 'a' }, 'a wide network stays'],
    [{ '10.0.0.0/24': 'a' }, { '10.0.0.0/24': 'a' }, 'a block stays'],
    [{ '10.0.0.0/26': 'a', '10.0.0.64/26': 'b', '10.0.0.128/25': 'b' }, { '10.0.0.0/24': 'b' }, 'three quarters'],
    [{ '10.0.0.0/26': 'a', '10.0.0.64/26': 'b', '10.0.0.128/26': 'a' }, { '10.0.0.0/24': 'a' }, 'parts add up'],
    [{ '10.0.0.0/25': 'a', '10.0.0.128/25': 'b' }, { '10.0.0.0/24': 'a' }, 'of equal parts the first'],
    [{ '10.0.0.9/32': 'a' }, { '10.0.0.0/24': 'a' }, 'what is not covered has no vote'],
    [{ '0.0.0.0/32': 'a', '0.0.1.0/32': 'b' }, { '0.0.0.0/24': 'a', '0.0.1.0/24': 'b' }, 'each block for itself'],
    [
      { '10.0.0.0/25': 'a', '10.0.1.0/24': 'b', '10.0.2.0/25': 'c' },
      { '10.0.0.0/24': 'a', '10.0.1.0/24': 'b', '10.0.2.0/24': 'c' },
      'a whole block between parts',
    ],
  ] as [Record<string, string>, Record<string, string>, string][]) {
    t.same(cut(4, networks), expected, why)
  }
  t.same(
    cut(6, { '2001:db8::/48': 'a', '2001:db8:2::/47': 'b', '2001:db8:100::/128': 'c', '2a00::/12': 'd' }),
    { '2001:db8::/40': 'b', '2001:db8:100::/40': 'c', '2a00::/12': 'd' },
    'IPv6 at /40',
  )
})

t.test('the heaviest key', async t => {
  t.equal(heaviest(new Map()), undefined)
  t.equal(
    heaviest(
      new Map([
        ['a', 1],
        ['b', 3],
        ['c', 3],
      ]),
    ),
    'b',
  )
})
