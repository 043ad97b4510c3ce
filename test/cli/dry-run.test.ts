/** How a dry run is told; what it finds out is tested where it is found. */

import t from 'tap'
import { renderEffect } from '../../src/cli/dry-run.ts'
import { plain } from '../../src/cli/terminal.ts'

const effect = { rule: 'default', movedShare: 0.25, meanBeforeMs: 20, meanAfterMs: 21 }
const move = (to: string, share: number) => ({ from: 'a', to, share, beforeMs: 10, afterMs: 12 })

t.test('moves that would be shown as 0.000 % are only counted', async t => {
  const moves = [move('b', 0.2), move('c', 0.05), move('d', 0.000_004), move('e', 0.000_000_1)]
  const [, heading, , ...rows] = renderEffect({ ...effect, moves }, plain)
  t.equal(heading, 'rule default: 25.0 % of clients would move; mean cost 20.0 → 21.0 ms')
  t.match(rows, [/^a +b +20\.0 % +10\.0 +12\.0$/, /^a +c +5\.0 %/, 'and 2 smaller moves, less than 0.001 % together'])
  t.equal(rows.length, 3)
})

t.test('what is not among the largest is summed up', async t => {
  const lines = renderEffect({ ...effect, moves: Array.from({ length: 13 }, () => move('b', 0.01)) }, plain)
  t.equal(lines.at(-1), 'and 1 smaller move, 1.0 % together')
  const tiny = renderEffect({ ...effect, movedShare: 0.000_001, moves: [move('b', 0.000_001)] }, plain)
  t.same(tiny.slice(1), [
    'rule default: less than 0.001 % of clients would move; mean cost 20.0 → 21.0 ms',
    '1 tiny move, less than 0.001 % together',
  ])
})

t.test('what a header asks for is told where it moves somebody', async t => {
  const asking = (capabilities: readonly string[], moves: ReturnType<typeof move>[]) =>
    renderEffect({ ...effect, capabilities, moves }, plain)[1]
  t.match(asking([], [move('b', 0.25)]), /^rule default, no capability asked for: 25\.0 %/)
  t.match(asking(['large', 'small'], [move('b', 0.25)]), /^rule default, asked for large or small: 25\.0 %/)
  t.equal(asking(['small'], []), undefined)
})
