/** Whom the router believes about a client's address, and how far. */

import t from 'tap'
import { type ClientIdentity, identifyClient, parsePeer } from '../../src/edge/client-address.ts'
import { formatAddress, parseAddress } from '../../src/geo/address.ts'
import { parseNetwork } from '../../src/geo/network.ts'
import { createNetworkSet } from '../../src/geo/network-set.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const trustedProxies = createNetworkSet(
  ['127.0.0.0/8', '10.0.0.0/8', '2001:db8:aaaa::/48'].map(text => {
    const network = parseNetwork(text)
    if (!network.ok) throw new Error(text)
    return network.value
  }),
)

function identify(header: string | undefined, peer: string, value?: string): ClientIdentity {
  return identifyClient({ trustedProxies, header }, parsePeer(peer)!, value)
}

function chainOf(identity: ClientIdentity): string {
  return identity.chain.map(formatAddress).join(' ')
}

t.test('X-Forwarded-For: from the right, as far as trusted proxies wrote it', async t => {
  for (const [peer, value, chain, why] of [
    ['198.51.100.7', '81.2.69.142', '198.51.100.7', 'a peer that is not trusted may write what it likes'],
    ['127.0.0.1', undefined, '127.0.0.1', 'no header: the proxy itself asks'],
    ['127.0.0.1', '', '127.0.0.1', 'an empty header says nothing'],
    ['127.0.0.1', '81.2.69.142', '81.2.69.142 127.0.0.1', 'one proxy'],
    ['127.0.0.1', '81.2.69.142, 10.1.1.1', '81.2.69.142 10.1.1.1 127.0.0.1', 'two proxies'],
    [
      '127.0.0.1',
      '9.9.9.9, 81.2.69.142, 10.1.1.1',
      '81.2.69.142 10.1.1.1 127.0.0.1',
      'the invention left of it is not read',
    ],
    ['127.0.0.1', '10.2.2.2,10.1.1.1', '10.2.2.2 10.1.1.1 127.0.0.1', 'only proxies: the first of them'],
    ['127.0.0.1', '81.2.69.142, unknown, 10.1.1.1', '10.1.1.1 127.0.0.1', 'a malformed hop ends the walk'],
    ['127.0.0.1', '81.2.69.142, 10.1.1.999', '127.0.0.1', 'malformed at once: the peer'],
    ['127.0.0.1', '81.2.69.142:51234', '81.2.69.142 127.0.0.1', 'IPv4 with port'],
    ['127.0.0.1', '[2001:db8::1]:443', '2001:db8::1 127.0.0.1', 'IPv6 in brackets, with port'],
    ['127.0.0.1', '[2001:db8::1]', '2001:db8::1 127.0.0.1', 'IPv6 in brackets'],
    ['127.0.0.1', '2001:db8::1', '2001:db8::1 127.0.0.1', 'IPv6 alone'],
    ['127.0.0.1', '2001:db8::1, 2001:db8:aaaa::2', '2001:db8::1 2001:db8:aaaa::2 127.0.0.1', 'a trusted IPv6 proxy'],
    ['127.0.0.1', '[2001:db8::1]junk', '127.0.0.1', 'junk after the brackets'],
    ['127.0.0.1', '81.2.69.142 , ', '81.2.69.142 127.0.0.1', 'empty elements of a list are nothing'],
    ['::ffff:127.0.0.1', '81.2.69.142', '81.2.69.142 127.0.0.1', 'an IPv4 peer on a dual-stack socket'],
    ['fe80::1%eth0', '81.2.69.142', 'fe80::1', 'a zone is no part of the address'],
  ] as const) {
    t.equal(chainOf(identify('x-forwarded-for', peer, value)), chain, why)
  }
})

t.test('Forwarded (RFC 7239)', async t => {
  for (const [value, chain, why] of [
    ['for=81.2.69.142', '81.2.69.142 127.0.0.1', 'one element'],
    ['For="[2001:db8::1]:4711";proto=https', '2001:db8::1 127.0.0.1', 'quoted, with port; names in any case'],
    ['proto=http;for=81.2.69.142;by=203.0.113.43, for=10.1.1.1', '81.2.69.142 10.1.1.1 127.0.0.1', 'two hops'],
    ['for=81.2.69.142, for=_hidden', '127.0.0.1', 'an obfuscated hop ends the walk'],
    ['for=81.2.69.142, for=unknown, for=10.1.1.1', '10.1.1.1 127.0.0.1', 'and so does an unknown one'],
    ['for=81.2.69.142, proto=https', '127.0.0.1', 'or one that names nobody'],
    ['for="81.2.69.142', '127.0.0.1', 'an open quote'],
    ['for=9.9.9.9, x=", for="[2001:db8::1]:4711"', '127.0.0.1', 'an open quote made to swallow what a proxy appended'],
    ['for=81.2.69.142;for=9.9.9.9', '127.0.0.1', 'twice in one element'],
    ['for="81.2.6\\9.142"', '81.2.69.142 127.0.0.1', 'a quoted pair'],
    ['81.2.69.142', '127.0.0.1', 'not this grammar'],
  ] as const) {
    t.equal(chainOf(identify('forwarded', '127.0.0.1', value)), chain, why)
  }
})

t.test('Forwarded also tells what was asked of the outermost trusted proxy', async t => {
  for (const [peer, value, asked, why] of [
    ['127.0.0.1', 'for=81.2.69.142;proto=https;host="a.example:8443"', ['https', 'a.example:8443'], 'one proxy'],
    ['127.0.0.1', 'for=81.2.69.142;proto=https, for=10.1.1.1;proto=http', ['https', undefined], 'the outer of two'],
    ['127.0.0.1', 'for=9.9.9.9;host=evil, for=81.2.69.142;Proto=http', ['http', undefined], 'not what a client wrote'],
    ['127.0.0.1', 'host=evil, for=_hidden;proto=https', ['https', undefined], 'a proxy that hides its client'],
    ['127.0.0.1', 'for=81.2.69.142;proto=https;proto=http', [undefined, undefined], 'twice in one element'],
    ['127.0.0.1', undefined, [undefined, undefined], 'no field'],
    ['198.51.100.7', 'for=81.2.69.142;proto=https', [undefined, undefined], 'a peer that is not trusted'],
  ] as const) {
    const { asked: found } = identify('forwarded', peer, value)
    t.same([found?.proto, found?.host], asked, why)
  }
})

t.test('without a configured header, nobody is asked', async t => {
  t.equal(chainOf(identify(undefined, '127.0.0.1', undefined)), '127.0.0.1')
})

t.test('random chains against a naive reading', async t => {
  const random = seededRandom(11)
  const hops = [
    '10.0.0.1',
    '10.9.9.9',
    '127.0.0.1',
    '81.2.69.142',
    '203.0.113.9',
    'unknown',
    '1.2.3',
    '2001:db8::9',
    '2001:db8:aaaa::1',
  ]
  const trusted = (hop: string) => /^(?:10\.|127\.|2001:db8:aaaa:)/.test(hop)
  let asExpected = 0
  for (let i = 0; i < 5_000; i++) {
    const list = Array.from({ length: randomInteger(random, 6) }, () => hops[randomInteger(random, hops.length)]!)
    const peer = random() < 0.8 ? '127.0.0.1' : '198.51.100.1'
    const all = [...list, peer]
    let at = all.length - 1
    while (at > 0 && trusted(all[at]!) && parseAddress(all[at - 1]!) !== undefined) at--
    const expected = all.slice(at).join(' ')
    if (chainOf(identify('x-forwarded-for', peer, list.join(', '))) === expected) asExpected++
    else t.fail(all.join(', '))
  }
  t.equal(asExpected, 5_000)
})
