import t from 'tap'
import { type GridResult, renderGrid } from '../../../src/sim/report/grid.ts'

const grid: GridResult = {
  title: 'Gate',
  rows: [
    { name: 'service', values: ['0.1 s', '30 s'] },
    { name: 'TTL', values: ['0 s', '60 s'] },
  ],
  columns: [
    { name: 'reports', values: ['2 s'] },
    { name: 'routers', values: ['1', '4', '16'] },
  ],
  measures: [
    {
      name: 'Swing',
      meaning: 'change in a second',
      bound: 0.15,
      cells: [
        [0.01, 0.02, 0.03],
        [0.04, 0.05, 0.15],
        [0.07, 0.08, 0.1501],
        [0.1, undefined, Number.NaN],
      ],
    },
  ],
}

t.test('a grid says which cells are beyond the bound, and how many', async t => {
  const html = renderGrid(grid)
  const cells = [...html.matchAll(/<td class="(\w+)"/g)].map(match => match[1])
  const within = (count: number): string[] => Array.from({ length: count }, () => 'within')
  t.same(cells, [...within(8), 'beyond', ...within(1), 'none', 'beyond'])
  t.match(html, /2 of 11 beyond/)
  t.match(html, />0\.150<span> beyond/, 'in words, too')
})

t.test('every cell has headers for its four parameters', async t => {
  const html = renderGrid(grid)
  const heads = (scope: string) => [...html.matchAll(new RegExp(`scope="${scope}"[^>]*>([^<]*)`, 'g'))].map(m => m[1])
  t.same(heads('rowgroup'), ['0.1 s', '30 s'])
  t.same(heads('row'), ['0 s', '60 s', '0 s', '60 s'])
  t.same(heads('colgroup'), ['2 s'])
  t.same(heads('col'), ['1', '4', '16'])
})
