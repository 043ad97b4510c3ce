import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Random } from '../../src/clock.ts'
import {
  addressFromBytes,
  addressToBytes,
  type ClientAddress,
  embeddingOf,
  formatAddress,
  parseAddress,
  unfold,
} from '../../src/geo/address.ts'
import { randomAddress } from '../support/random-addresses.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('an address is read, and printed in its canonical form', async t => {
  for (const [text, canonical] of [
    ['0.0.0.0', '0.0.0.0'],
    ['81.2.69.142', '81.2.69.142'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'], // the first of two equal runs
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // one zero group is not worth a ::
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['::FFFF:102:304', '::ffff:1.2.3.4'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ] as const) {
    const address = parseAddress(text)
    t.ok(address, text)
    t.equal(formatAddress(address!), canonical, text)
  }
})

t.test('anything else is not an address', async t => {
  for (const text of [
    '',
    ' ',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '01.2.3.4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2..4',
    '.1.2.3',
    '1.2.3.',
    '1.2.3.-4',
    '1.2.3.0x4',
    '1.2.3.4444',
    '0x7f.1',
    '2130706433',
    '١.٢.٣.٤',
    ':',
    ':::',
    '1:::2',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    '[::1]',
    'fe80::1%eth0',
    '::1/128',
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::01.2.3.4',
    '1.2.3.4::',
    '::ffff:1.2.3.4.',
    '0000:0000:0000:0000:0000:0000:0000:0000:0000:0000',
  ]) {
    t.equal(parseAddress(text), undefined, JSON.stringify(text))
  }
})

t.test('IPv4 inside IPv6 is unfolded', async t => {
  for (const [text, inner, embedding] of [
    ['1.2.3.4', '1.2.3.4', 0],
    ['::ffff:1.2.3.4', '1.2.3.4', 96],
    ['64:ff9b::1.2.3.4', '1.2.3.4', 96],
    ['2002:102:304::1', '1.2.3.4', 16],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '192.0.2.45', 96], // the client of RFC 4380
    ['::1.2.3.4', '::102:304', 0], // IPv4-compatible: deprecated, and ::1 would be one
    ['64:ff9b:1::1.2.3.4', '64:ff9b:1::102:304', 0], // RFC 8215, local use: no fixed layout
    ['2001:1::1', '2001:1::1', 0],
    ['2001:db8::1', '2001:db8::1', 0],
    ['::fffe:1.2.3.4', '::fffe:102:304', 0],
  ] as const) {
    const address = parseAddress(text)!
    t.equal(formatAddress(unfold(address)), inner, text)
    t.equal(embeddingOf(address), embedding, text)
  }
})

t.test('bytes in network order', async t => {
  const packet = Uint8Array.of(9, 193, 0, 6, 139, 9)
  t.equal(formatAddress(addressFromBytes(packet, 1, 4)!), '193.0.6.139')
  t.equal(addressFromBytes(packet, 3, 4), undefined, 'past the end')
  t.equal(addressFromBytes(packet, -1, 4), undefined, 'before the start')
  t.equal(addressFromBytes(new Uint8Array(20), 0, 5), undefined, 'no such family')
  t.same(addressToBytes(parseAddress('2001:db8::ff')!), [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff])
})

t.test('random addresses survive text and bytes, and print as a browser would print them', async t => {
  const random = seededRandom(1)
  const wrong: string[] = []
  for (let round = 0; round < 20_000; round++) {
    const address = randomAddress(random)
    const text = formatAddress(address)
    const back = parseAddress(text)
    const bytes = addressToBytes(address)
    const same =
      isDeepStrictEqual(back, address) &&
      isDeepStrictEqual(addressFromBytes(bytes, 0, bytes.length), address) &&
      isIP(text) === address.family &&
      (text.startsWith('::ffff:') || text === asUrlHost(address))
    if (!same) wrong.push(text)
  }
  t.same(wrong, [])
})

t.test('random text is an address where node:net says so', async t => {
  const random = seededRandom(2)
  let valid = 0
  const wrong: string[] = []
  for (let round = 0; round < 200_000; round++) {
    const text = mutate(formatAddress(randomAddress(random)), random)
    const family = isIP(text)
    if (family > 0) valid++
    if ((parseAddress(text)?.family ?? 0) !== family) wrong.push(text)
  }
  t.same(wrong, [])
  t.ok(valid > 20_000 && valid < 180_000, `both kinds were met: ${valid} valid`)
})

function asUrlHost(address: ClientAddress): string {
  const text = formatAddress(address)
  return address.family === 4 ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1)
}

/** One or two characters removed, replaced or added, out of those that addresses are made of. */
function mutate(text: string, random: Random): string {
  const alphabet = '0123456789abcdefF:.::..0g '
  for (let changes = 1 + Math.floor(random() * 2); changes > 0; changes--) {
    const at = Math.floor(random() * (text.length + 1))
    const put = alphabet[Math.floor(random() * alphabet.length)]!
    const kind = random()
    if (kind < 0.33) text = text.slice(0, at) + text.slice(at + 1)
    else if (kind < 0.67) text = text.slice(0, at) + put + text.slice(at + 1)
    else text = text.slice(0, at) + put + text.slice(at)
  }
  return text
}
