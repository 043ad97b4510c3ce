/** Policies against each other, each by its typical run. */

import { duration, number } from './html.ts'
import { frame, highestUtilisation, optimumLine, renderNothing, utilisationChart } from './run-section.ts'
import type { PolicyRuns } from './runs.ts'
import { fittingScale } from './scale.ts'
import { averageOver, type Line, renderTimeChart, spanWords, windowFor } from './time-chart.ts'

type Key = 'meanCostMs' | 'waits' | 'refused' | 'failed'

export function renderComparison(policies: readonly PolicyRuns[]): string {
  const most = Math.max(...policies.map(({ typical }) => highestUtilisation(typical)))
  const small = policies.map(({ typical }) => renderTimeChart(utilisationChart(typical, most)))
  const ids = policies[0]!.typical.result.regions.map(({ id }, at) => `<li style="--c:var(--r${at})">${id}</li>`)
  return [
    renderChart(policies, 'meanCostMs', 'Mean cost', 'network round trip and wait'),
    `<figure><figcaption><b>Utilisation</b> <span>of each region, under each policy</span></figcaption><ul class="legend">${ids.join('')}</ul><div class="several">${small.join('')}</div></figure>`,
    renderChart(policies, 'waits', 'Waits', 'requests a second that waited over 1 s'),
    renderChart(policies, 'refused', 'Refusals', 'requests a second that were given up after 503'),
    renderChart(policies, 'failed', 'Failures', 'requests a second that were given up at a dead region'),
  ].join('\n')
}

const nothing: Readonly<Record<Key, string>> = {
  meanCostMs: 'Nothing was served.',
  waits: 'Under no policy did a request wait over a second.',
  refused: 'Under no policy was a request refused.',
  failed: 'Under no policy did a request fail.',
}

function renderChart(policies: readonly PolicyRuns[], key: Key, title: string, note: string): string {
  const { typical } = policies[0]!
  const isCost = key === 'meanCostMs'
  const { seconds } = typical.result.series
  const window = windowFor(seconds.length)
  const lines = policies.map(({ policy, typical: { index, result } }, at): Line => {
    const values = averageOver(result.series[key], window)
    return { name: policy, colour: `p${at}`, path: `${index}/series/${key}`, values }
  })
  const values = lines.flatMap(line => line.values).filter(value => value !== null && Number.isFinite(value))
  if (!values.some(value => value! > 0)) return renderNothing(title, nothing[key])
  const optimum = isCost ? optimumLine(typical) : []
  return renderTimeChart({
    title,
    note: window === 1 ? note : `${note}, mean of ${spanWords(seconds, window)}`,
    window,
    ...frame(typical.result),
    lines: [...lines, ...optimum],
    scale: fittingScale([...values, ...optimum.flatMap(line => line.values)].filter(value => value !== null)),
    format: isCost ? duration : value => `${number(value)} /s`,
    unit: isCost ? 'ms' : 'number',
    heightPx: isCost ? 260 : 150,
  })
}
