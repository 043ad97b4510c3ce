import { BlockList } from 'node:net'
import t from 'tap'
import { type ClientAddress, formatAddress, parseAddress } from '../../src/geo/address.ts'
import { clientNetwork, formatNetwork, networkContains, networkOf, parseNetwork } from '../../src/geo/network.ts'
import { randomAddress } from '../support/random-addresses.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

t.test('networks are read, and printed in their canonical form', async t => {
  for (const [text, canonical] of [
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.8.0.0/16', '10.8.0.0/16'],
    ['10.8.0.1', '10.8.0.1/32'],
    ['10.8.0.1/32', '10.8.0.1/32'],
    ['::/0', '::/0'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['2001:db8::1', '2001:db8::1/128'],
    ['2001:db8:8000::/33', '2001:db8:8000::/33'],
    ['::ffff:0:0/96', '::ffff:0.0.0.0/96'],
  ] as const) {
    const network = parseNetwork(text)
    t.ok(network.ok && formatNetwork(network.value) === canonical, text)
  }
})

t.test('a fault says what was expected, and what was probably meant', async t => {
  for (const [text, message] of [
    ['10.8.0.1/16', '10.8.0.1/16 has bits set after its prefix; write 10.8.0.0/16 or 10.8.0.1'],
    ['2001:db8::1/32', '2001:db8::1/32 has bits set after its prefix; write 2001:db8::/32 or 2001:db8::1'],
    ['10.0.0.0/33', 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/33"'],
    ['::/129', 'expected a prefix length from 0 to 128 after the slash, not "::/129"'],
    ['10.0.0.0/', 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/"'],
    ['10.0.0.0/08', 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/08"'],
    ['10.0.0.0/-1', 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/-1"'],
    ['10.0.0.0/255.0.0.0', 'expected a prefix length from 0 to 32 after the slash, not "10.0.0.0/255.0.0.0"'],
    ['10/8', 'expected a network such as 192.0.2.0/24 or 2001:db8::/32, not "10/8"'],
    ['10.0.0.0/8/8', 'expected a network such as 192.0.2.0/24 or 2001:db8::/32, not "10.0.0.0/8/8"'],
    ['', 'expected a network such as 192.0.2.0/24 or 2001:db8::/32, not ""'],
    ['example.com\n', 'expected a network such as 192.0.2.0/24 or 2001:db8::/32, not "example.com\\n"'],
  ] as const) {
    t.same(parseNetwork(text), { ok: false, faults: [{ path: '', message }] }, JSON.stringify(text))
  }
})

t.test('the client network is as wide as the geo answer, never narrower than /24 or /48', async t => {
  for (const [address, prefixLength, network] of [
    ['193.0.6.139', 32, '193.0.6.0/24'],
    ['193.0.6.139', 24, '193.0.6.0/24'],
    ['193.0.6.139', 20, '193.0.0.0/20'],
    ['193.0.6.139', 0, '0.0.0.0/0'],
    ['2001:db8:1:2::3', 128, '2001:db8:1::/48'],
    ['2001:db8:1:2::3', 29, '2001:db8::/29'],
    ['::ffff:193.0.6.139', 96 + 20, '193.0.0.0/20'],
    ['64:ff9b::193.0.6.139', 96 + 32, '193.0.6.0/24'],
    ['2002:c100:68b::1', 16 + 20, '193.0.0.0/20'],
    ['2002:c100:68b::1', 0, '0.0.0.0/0'],
  ] as const) {
    t.equal(formatNetwork(clientNetwork(parseAddress(address)!, prefixLength)), network, `${address}, /${prefixLength}`)
  }
})

t.test('random networks contain what a block list says they contain', async t => {
  const random = seededRandom(3)
  const wrong: string[] = []
  let inside = 0
  for (let round = 0; round < 20_000; round++) {
    const base = randomAddress(random)
    const network = networkOf(base, randomInteger(random, base.family === 4 ? 33 : 129))
    const address = randomAddress(random, network)
    if (isUnfoldedByNode(address) || isUnfoldedByNode(network.address)) continue
    const oracle = new BlockList()
    oracle.addSubnet(formatAddress(network.address), network.prefixLength, familyName(network.address))
    const expected = address.family === base.family && oracle.check(formatAddress(address), familyName(address))
    if (expected) inside++
    if (networkContains(network, address) !== expected)
      wrong.push(`${formatNetwork(network)} ${formatAddress(address)}`)
  }
  t.same(wrong, [])
  t.ok(inside > 2_000 && inside < 18_000, `both kinds were met: ${inside} inside`)
})

function familyName(address: ClientAddress): 'ipv4' | 'ipv6' {
  return address.family === 4 ? 'ipv4' : 'ipv6'
}

/** Block lists take IPv4-mapped addresses for IPv4 ones; here that is the business of a network set. */
function isUnfoldedByNode({ family, w0, w1, w2 }: ClientAddress): boolean {
  return family === 6 && w0 === 0 && w1 === 0 && w2 === 0xffff
}
