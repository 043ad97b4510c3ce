import t from 'tap'
import { leftAligned, renderFacts, renderTable } from '../../src/cli/table.ts'
import { plain } from '../../src/cli/terminal.ts'

const columns = [...leftAligned('name'), { header: 'count', align: 'right' as const }, ...leftAligned('why')]

t.test('columns are as wide as what is in them, headings stand outside of them', async t => {
  const rows = [
    ['a', '7', 'first'],
    { heading: 'A heading that is longer than everything' },
    ['longer', '1234567', 'second'],
    ['short row'],
  ]
  t.same(renderTable(columns, rows, 80, plain), [
    'name         count  why',
    'a                7  first',
    '',
    'A heading that is longer than everything',
    'longer     1234567  second',
    'short row',
  ])
})

t.test('the last column is wrapped between words, and a word that is too long is cut', async t => {
  const lines = renderTable(columns, [['a', '1', `one two three four five six ${'x'.repeat(40)}`]], 30, plain)
  t.same(lines, [
    'name  count  why',
    'a         1  one two three four five',
    '             six',
    '             xxxxxxxxxxxxxxxxxxxxxxxx',
    '             xxxxxxxxxxxxxxxx',
  ])
})

t.test('styles change no width, and text from elsewhere moves no cursor', async t => {
  const painted = renderTable(
    columns,
    [[{ text: 'b', style: 'red' }, '1', 'e\u001b[2Jvil\nline']],
    80,
    (style, text) => (style === 'dim' ? text : `<${text}>`),
  )
  t.same(painted, ['name  count  why', '<b   >      1  evil\u{fffd}line'])
})

t.test('facts stand in two columns', async t => {
  t.same(
    renderFacts(
      [
        ['a', 'x'],
        ['long name', { text: 'y', style: 'red' }],
      ],
      plain,
    ),
    ['a          x', 'long name  y'],
  )
})
