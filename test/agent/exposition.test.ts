/** The exposition format: what is read, what is refused and where, and that what was written is what is read. */

import t from 'tap'
import { parseExposition } from '../../src/agent/exposition.ts'
import { formatFault } from '../../src/schema.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const all = () => true

function read(text: string, isWanted: (name: string) => boolean = all) {
  const parsed = parseExposition(text, isWanted)
  if (!parsed.ok) throw new Error(parsed.faults.map(formatFault).join('; '))
  return parsed.value.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value])
}

t.test('lines that are of the format', async t => {
  for (const [text, samples, why] of [
    ['', [], 'nothing'],
    ['up 1\n', [['up', {}, 1]], 'a name and a number'],
    ['\n\n up\t 1 \n', [['up', {}, 1]], 'space around everything'],
    ['up 1\r\n', [['up', {}, 1]], 'ends of lines as on Windows'],
    ['up 1 1395066363000\n', [['up', {}, 1]], 'a timestamp'],
    ['up 1 -5\n', [['up', {}, 1]], 'a timestamp before 1970'],
    ['vllm:num_requests_running 3.0\n', [['vllm:num_requests_running', {}, 3]], 'a colon in the name'],
    ['# HELP up whether "it" is\\n up {\n# TYPE up gauge\n#\n# so\nup 0\n', [['up', {}, 0]], 'comments'],
    ['a{} 1\n', [['a', {}, 1]], 'no labels'],
    ['a{b="c"} 1\n', [['a', { b: 'c' }, 1]], 'a label'],
    ['a {b="c",} 1\n', [['a', { b: 'c' }, 1]], 'a comma at the end'],
    ['a{ b = "c" , d = "e" }1\n', [['a', { b: 'c', d: 'e' }, 1]], 'space between all parts'],
    ['a{b="\\\\ \\" \\n , } {"} 1\n', [['a', { b: '\\ " \n , } {' }, 1]], 'escapes and marks in a value'],
    ['a{b="é日"} 1\n', [['a', { b: 'é日' }, 1]], 'any text in a value'],
    [
      'a -1.5e-3\nb +2\nc .5\nd 5.\n',
      [
        ['a', {}, -0.0015],
        ['b', {}, 2],
        ['c', {}, 0.5],
        ['d', {}, 5],
      ],
      'numbers',
    ],
    [
      'a +Inf\nb -Inf\nc NaN\n',
      [
        ['a', {}, Infinity],
        ['b', {}, -Infinity],
        ['c', {}, Number.NaN],
      ],
      'no numbers',
    ],
    [
      'a{x="1"} 1\na{x="1"} 2\n',
      [
        ['a', { x: '1' }, 1],
        ['a', { x: '1' }, 2],
      ],
      'a series that is there twice',
    ],
  ] as const) {
    t.same(read(text), samples, why)
  }
  t.same(
    read('a 1\nb 2\nc 3\n', name => name === 'b'),
    [['b', {}, 2]],
    'only what is wanted is kept',
  )
})

t.test('a text that is not of the format is refused at its first fault', async t => {
  for (const [text, message] of [
    ['up 1', /^line 1: the text ends in the middle/],
    ['up 1\nup', /^line 2: the text ends in the middle/],
    ['up\n', /^line 1: expected a space or \{ after up, but the line ends/],
    ['up \n', /^line 1: expected a number and perhaps a timestamp, but the line ends/],
    ['up one\n', /^line 1: expected a number.*not "one"/],
    ['up 1 2 3\n', /^line 1: expected a number.*not "1 2 3"/],
    ['up 0x10\n', /expected a number/],
    ['up 1_000\n', /expected a number/],
    ['up 1.5 2.5\n', /expected a number and perhaps a timestamp/],
    ['a 1\n2b 2\n', /^line 2: expected the name of a metric, not "2b 2"/],
    ['a{b="c"\n', /expected a label or \}, but the line ends/],
    ['a{b=c} 1\n', /expected a label or \}, not "b=c\} 1"/],
    ['a{b="c" d="e"} 1\n', /expected a label or \}, not "d=/],
    ['a{b="c} 1\n', /expected a label or \}/],
    ['a{b="\\t"} 1\n', /expected a label or \}/],
    ['a{,} 1\n', /expected a label or \}/],
    ['a{b="1",b="2"} 1\n', /the label b is there twice/],
    ['a{"b c"="1"} 1\n', /expected a label or \}/],
    ['a-b 1\n', /expected a space or \{ after a/],
    ['# TYPE a counted\n', /expected a metric and its type/],
    ['# TYPE a\n', /expected a metric and its type/],
    ['<html>\n', /^line 1: expected the name of a metric, not "<html>"/],
    ['a{b="c"} 1 # {trace_id="x"} 0.5\n', /expected a number/],
  ] as const) {
    t.throws(() => read(text), message, JSON.stringify(text))
    t.throws(() => read(text, () => false), message, `${JSON.stringify(text)}, though nothing of it is wanted`)
  }
})

t.test('no more series are kept than a service can sensibly have', async t => {
  const text = (count: number) => Array.from({ length: count }, (_, index) => `a{i="${index}"} 1\n`).join('')
  t.equal(read(text(10_000)).length, 10_000)
  t.throws(() => read(text(10_001)), /^line 10001: expected at most 10000 series/)
})

t.test('what is written at random is what is read', async t => {
  const random = seededRandom(3)
  const pick = <T>(values: readonly T[]): T => values[randomInteger(random, values.length)]!
  const times = <T>(most: number, make: () => T): T[] => Array.from({ length: randomInteger(random, most) }, make)
  const space = () => times(3, () => pick([' ', '\t'])).join('')
  const letters = () => pick(['a', 'B', '_', 'x1', 'total'])
  for (let round = 0; round < 500; round++) {
    const samples = times(8, () => ({
      name: `${pick(['a', 'vllm:b', '_c'])}${letters()}`,
      labels: new Map(
        times(4, () => [letters(), times(6, () => pick(['\\', '"', '\n', ',', '}', '=', 'é', ' '])).join('')]),
      ),
      value: pick([0, -1.5, 1e300, 7e-12, Infinity, -Infinity, Number.NaN, random(), randomInteger(random, 1e9)]),
    }))
    const written = samples.map(({ name, labels, value }) => {
      const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
      const pairs = [...labels].map(
        ([key, text]) => `${space()}${key}${space()}=${space()}"${escaped(text)}"${space()}`,
      )
      const number = String(value).replace('Infinity', 'Inf')
      const tail = `${pairs.length > 0 ? `{${pairs.join(',')}${pick(['', ','])}}` : pick(['{}', ''])} ${space()}${number}`
      return `${space()}${name}${space()}${tail}${pick(['', ' 17', ' \t-17 '])}\n${pick(['', '\n', '# note\n'])}`
    })
    const expected = samples.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value])
    t.same(read(written.join('')), expected, `round ${round}`)
  }
})

t.test('a long hostile line takes no longer than a harmless one', async t => {
  for (const text of [
    'a{',
    ' '.repeat(1e6),
    `a{b="${'\\\\'.repeat(5e5)}`,
    `a ${'1'.repeat(1e6)}x`,
    `a${' '.repeat(1e6)}`,
  ]) {
    t.throws(() => read(`a 1\n${text}\nb\n`), /^line [23]: /)
  }
})
