import t from 'tap'
import { findJsonFault } from '../../src/regions/json-fault.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const unfinished = '(a line break, a bad escape or no closing quote)'

t.test('the place where a text stops being JSON, and what was expected there', async t => {
  for (const [text, fault] of [
    ['{"a": [1, -2.5e3, true, null, "\\u00e4\\n"]}\n', undefined],
    ['', 'line 1, column 1: expected a value, but the text ends'],
    ['{"a": tru}', 'line 1, column 7: expected a value, not "tru}"'],
    ['{"a": 01}', 'line 1, column 7: expected a value, not "01}"'],
    ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: expected a comma or }, not "\\"b\\": 2"'],
    ['{\n  "a": 1,\n}', 'line 3, column 1: expected a name in double quotes, not "}"'],
    ['{a: 1}', 'line 1, column 2: expected a name in double quotes or }, not "a: 1}"'],
    ['{"a" 1}', 'line 1, column 6: expected a colon, not "1}"'],
    ['[1 2]', 'line 1, column 4: expected a comma or ], not "2]"'],
    ['[1,]', 'line 1, column 4: expected a value, not "]"'],
    ['[1}', 'line 1, column 3: expected a comma or ], not "}"'],
    ['{"a": 1}}', 'line 1, column 9: expected nothing more, not "}"'],
    ['{"a": {"b": [', 'line 1, column 14: expected a value or ], but the text ends'],
    ['{"a": "x\ny"}', `line 1, column 7: expected a value, not "\\"x" ${unfinished}`],
    ['["\\x"]', `line 1, column 2: expected a value or ], not "\\"\\\\x\\"]" ${unfinished}`],
    ['// no comments\n{}', 'line 1, column 1: expected a value, not "// no comments"'],
  ] as const) {
    t.equal(findJsonFault(text), fault, JSON.stringify(text))
  }
})

t.test('nesting of any depth is read', async t => {
  t.equal(findJsonFault(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`), undefined)
})

t.test('random texts are JSON exactly where JSON.parse says so', async t => {
  const random = seededRandom(11)
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"a"',
    '"',
    '\\',
    '\n',
    ' ',
    '0',
    '1',
    '-',
    '.5',
    'e3',
    'true',
    'null',
    'x',
  ]
  const piece = () => pieces[randomInteger(random, pieces.length)]!
  let valid = 0
  for (let round = 0; round < 100_000; round++) {
    const text =
      random() < 0.5 ? Array.from({ length: randomInteger(random, 7) }, piece).join('') : randomNearJson(random, piece)
    const isJson = parses(text)
    if (isJson) valid++
    if ((findJsonFault(text) === undefined) !== isJson) return t.fail(JSON.stringify(text))
  }
  t.ok(valid > 1_000 && valid < 99_000, `${valid} of them were JSON`)
})

/** A JSON text, mostly with one piece put in or taken out somewhere. */
function randomNearJson(random: () => number, piece: () => string): string {
  const text = JSON.stringify(randomValue(random, 3))
  const at = randomInteger(random, text.length + 1)
  const kind = randomInteger(random, 3)
  if (kind === 0) return text
  return kind === 1 ? text.slice(0, at) + piece() + text.slice(at) : text.slice(0, at) + text.slice(at + 1)
}

function randomValue(random: () => number, depth: number): unknown {
  const kind = randomInteger(random, depth > 0 ? 6 : 4)
  if (kind < 4) return [null, true, random() * 1e5 - 5e4, 'a"\\\n'][kind]
  const parts = Array.from({ length: randomInteger(random, 4) }, () => randomValue(random, depth - 1))
  return kind === 4 ? parts : Object.fromEntries(parts.map((part, index) => [`k${index}`, part]))
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
