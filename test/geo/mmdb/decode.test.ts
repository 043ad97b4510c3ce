/** Pins how values of the data section are read, and that broken or hostile ones are faults that say where. */

import t from 'tap'
import { DataSection } from '../../../src/geo/mmdb/decode.ts'

const text = (value: string) => Buffer.from(value).toString('hex')

function decode(hex: string, offset = 0): unknown {
  return sectionOf(hex).decode(offset)
}

function sectionOf(hex: string): DataSection {
  return new DataSection(Buffer.from(hex.replaceAll(' ', ''), 'hex'), fault => new Error(fault) as never)
}

t.test('every type of value is read', async t => {
  for (const [hex, expected, why] of [
    [`45${text('hello')}`, 'hello', 'text'],
    [`43${text('日')}`, '日', 'text beyond ASCII'],
    ['40', '', 'empty text'],
    [`5d 01 ${text('x'.repeat(30))}`, 'x'.repeat(30), 'text with one more byte of size'],
    [`5e 0001 ${text('x'.repeat(286))}`, 'x'.repeat(286), 'with two'],
    [`5f 000001 ${text('x'.repeat(65_822))}`, 'x'.repeat(65_822), 'with three'],
    ['68 4049000000000000', 50, 'double'],
    ['04 08 42480000', 50, 'float'],
    ['a2 0032', 50, 'uint16'],
    ['a0', 0, 'uint16 of no bytes'],
    ['c4 ffffffff', 4_294_967_295, 'uint32'],
    ['04 01 ffffffff', -1, 'int32'],
    ['01 01 ff', 255, 'int32 of one byte has no sign'],
    ['07 02 1fffffffffffff', 9_007_199_254_740_991, 'uint64 that a number holds'],
    ['08 02 ffffffffffffffff', 18_446_744_073_709_551_615n, 'uint64 that it does not'],
    [`10 03 01 ${'00'.repeat(15)}`, 2n ** 120n, 'uint128'],
    ['01 07', true, 'true'],
    ['00 07', false, 'false'],
    ['02 04 a1 01 a1 02', [1, 2], 'array'],
    [`e1 42 ${text('en')} a1 07`, { en: 7 }, 'map'],
    [`20 03 ff 42 ${text('en')}`, 'en', 'pointer of 11 bits'],
    [`28 00 00 ${'00'.repeat(2045)} 42 ${text('en')}`, 'en', 'pointer of 19 bits starts at 2,048'],
    [`30 00 00 00 ${'00'.repeat(526_332)} 42 ${text('en')}`, 'en', 'pointer of 27 bits starts at 526,336'],
    [`38 00 00 00 06 ff 42 ${text('en')}`, 'en', 'pointer of 32 bits'],
    [`3f 00 00 00 06 ff 42 ${text('en')}`, 'en', 'whose low bits of the first byte do not count'],
  ] as const) {
    t.same(decode(hex), expected, why)
  }
  t.same([...(decode('83 010203') as Uint8Array)], [1, 2, 3], 'bytes')
})

t.test('a key of the wrong name does not reach the prototype', async t => {
  const map = decode(`e1 49 ${text('__proto__')} e1 41 ${text('a')} a1 01`) as object
  t.same(Object.keys(map), ['__proto__'])
  t.equal((map as { a?: number }).a, undefined)
})

t.test('what pointers lead to is decoded once', async t => {
  const [first, second] = decode(`02 04 20 06 20 06 e1 41 ${text('a')} a1 01`) as [object, object]
  t.equal(first, second)
})

t.test('broken values are faults that say where', async t => {
  /** Arrays in arrays, with nothing in the innermost. */
  const nested = (levels: number) => `${'0104'.repeat(levels)}0004`
  for (const [hex, fault, why] of [
    ['', /offset 0 lies outside/, 'nothing'],
    [`45${text('hell')}`, /offset 1 runs over the end/, 'text cut short'],
    ['5d', /offset 1 runs over the end/, 'size cut short'],
    ['00', /offset 1 runs over the end/, 'type cut short'],
    ['42 c328', /offset 0 is text that is not valid UTF-8/, 'bad UTF-8'],
    ['64 00000000', /offset 0 is a number of 4 bytes/, 'double of four bytes'],
    ['02 08 0000', /offset 0 is a number of 2 bytes/, 'float of two'],
    ['a3 000000', /offset 0 is a number of 3 bytes/, 'uint16 of three'],
    ['c5 0000000000', /offset 0 is a number of 5 bytes/, 'uint32 of five'],
    ['02 07', /offset 0 is a number of 2 bytes/, 'boolean of two'],
    ['00 05', /offset 0 has the data type 12/, 'cache container'],
    ['00 06', /offset 0 has the data type 13/, 'end marker'],
    ['00 00', /offset 0 has an extended data type of 0/, 'extended type that is not one'],
    ['00 ff', /offset 0 has the data type 262/, 'type that does not exist'],
    ['e1 a1 01 a1 01', /offset 1 is the key of a map and not text/, 'number as key'],
    ['ff ffffff 40', /offset 0 cannot hold 16843036 entries/, 'map larger than the file'],
    ['1f 04 ffffff 40', /offset 0 cannot hold 16843036 elements/, 'array larger than the file'],
    ['20 00', /offset 0 points at another pointer/, 'pointer to itself'],
    ['20 02 20 00', /offset 0 points at another pointer/, 'pointers in a circle'],
    ['21 00', /offset 0 points outside the data section, at 256/, 'pointer beyond the end'],
    ['01 04 20 00', /offset 0 contains itself/, 'array that contains itself'],
    [`e1 41 ${text('a')} 20 00`, /offset 0 contains itself/, 'map that contains itself'],
    ['01 04 01 04 20 02', /offset 2 contains itself/, 'array that contains itself further down'],
    [nested(65), /offset 130 is nested more than 64 levels/, 'arrays in arrays'],
  ] as const) {
    t.throws(() => decode(hex), { message: fault }, why)
  }
  t.doesNotThrow(() => decode(nested(64)))
})

t.test('nesting counts through pointers that were followed before', async t => {
  // Forty arrays in arrays at 0; at 82, thirty more around a pointer to them.
  const section = sectionOf(`${'0104'.repeat(40)}0004 ${'0104'.repeat(30)} 20 00`)
  t.doesNotThrow(() => section.decode(82 + 2 * 10), 'twenty and forty')
  t.throws(() => section.decode(82), { message: /nested more than 64 levels/ }, 'thirty and forty')
})

t.test('a few pointers that stand for billions of values are refused', async t => {
  // Each level is an array of two pointers to the level before: 2^40 values in 240 bytes.
  const levels = Array.from({ length: 40 }, (_, level) => {
    const before = level === 0 ? 0 : 2 + 6 * (level - 1)
    const pointer = (0x2000 | before).toString(16)
    return `02 04 ${pointer} ${pointer}`
  })
  const bytes = `a1 07 ${levels.join(' ')}`
  t.same(decode(bytes, 2 + 6 * 3), [
    [
      [
        [7, 7],
        [7, 7],
      ],
      [
        [7, 7],
        [7, 7],
      ],
    ],
    [
      [
        [7, 7],
        [7, 7],
      ],
      [
        [7, 7],
        [7, 7],
      ],
    ],
  ])
  t.throws(() => decode(bytes, 2 + 6 * 39), { message: /makes a record larger than 1048576 bytes/ })
})

t.test('records that overlap so much that reading them would take for ever are refused', async t => {
  // Every '^' begins a text of 24,443 more of them.
  const section = sectionOf('5e'.repeat(200_000))
  t.throws(
    () => {
      for (let offset = 0; offset < 100_000; offset++) section.decode(offset)
    },
    { message: /its records overlap/ },
  )
  const again = sectionOf('5e'.repeat(30_000))
  t.doesNotThrow(() => {
    for (let i = 0; i < 1000; i++) again.decode(0)
  }, 'the same record as often as one likes')
})
