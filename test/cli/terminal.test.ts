import t from 'tap'
import { hasColours, printable } from '../../src/cli/terminal.ts'

t.test('colours are for terminals that know them, and for people who want them', async t => {
  for (const [isTerminal, environment, expected, why] of [
    [true, {}, true, 'a terminal'],
    [false, {}, false, 'a pipe or a file'],
    [true, { NO_COLOR: '1' }, false, 'the user said no'],
    [true, { NO_COLOR: '' }, true, 'empty counts as not set (no-color.org)'],
    [true, { TERM: 'dumb' }, false, 'a terminal without colours'],
    [false, { FORCE_COLOR: '1' }, false, 'never where nobody looks'],
  ] as const) {
    t.equal(hasColours(isTerminal, environment), expected, why)
  }
})

t.test('text from elsewhere is made harmless', async t => {
  for (const [text, expected] of [
    ['São Paulo', 'São Paulo'],
    ['a\u001b[31mred\u001b[0m', 'ared'],
    ['two\nlines', 'two\u{fffd}lines'],
    ['back\bspace \u009b2J', 'back\u{fffd}space '],
    ['\u2028', '\u{fffd}'],
  ] as const) {
    t.equal(printable(text), expected)
  }
})
