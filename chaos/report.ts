/** What came of a run of chaos, as tables that a person reads and Markdown shows. */

import type { Outcome } from '../test/integration/trial.ts'

export interface ChaosReport {
  readonly seed: number
  readonly seconds: number
  readonly awaySeconds: number
  readonly leaseSeconds: number
  /** Why it ended. */
  readonly ending: string
  readonly outcomes: readonly Outcome[]
}

/** Whether no client request failed, every write was answered as it should be and nothing was lost. */
export function isClean({ outcomes }: ChaosReport): boolean {
  return outcomes.every(outcome => faultsOf(outcome).length === 0)
}

export function markdownOf(report: ChaosReport): string {
  const { seed, leaseSeconds, ending, outcomes } = report
  const names = [...new Set(outcomes.map(({ fault }) => fault))].sort()
  const rows = names.map(name =>
    rowOf(
      name,
      outcomes.filter(({ fault }) => fault === name),
    ),
  )
  const found = outcomes.flatMap(outcome => faultsOf(outcome).map(line => `- ${outcome.fault}: ${line}`))
  return [
    `Seed ${seed}, lease ${leaseSeconds} s, ${outcomes.length} faults; the end: ${ending}. Times in ms: median / longest.`,
    '',
    ...table([headings, ...rows]),
    '',
    ...(found.length === 0 ? ['No client request failed, and nothing was lost.'] : found),
    '',
  ].join('\n')
}

const headings = [
  'fault',
  'times',
  'both agree',
  'apart',
  'lapse after its lease',
  'whole again',
  'slowest request',
  'requests',
  'failed',
  'writes taken',
  'refused',
  'given up',
  'wrong or lost',
]

function rowOf(name: string, outcomes: readonly Outcome[]): string[] {
  const sum = (count: (outcome: Outcome) => number): string =>
    `${outcomes.reduce((total, outcome) => total + count(outcome), 0)}`
  return [
    name,
    `${outcomes.length}`,
    spread(outcomes.flatMap(({ agreeMs }) => agreeMs ?? [])),
    spread(outcomes.flatMap(({ apartMs }) => apartMs ?? [])),
    spread(outcomes.flatMap(({ lapseLateMs }) => lapseLateMs ?? [])),
    spread(outcomes.flatMap(({ wholeAgainMs }) => wholeAgainMs ?? [])),
    spread(outcomes.map(({ slowestRequestMs }) => slowestRequestMs)),
    sum(({ requests }) => requests),
    sum(({ failedRequests }) => failedRequests.length),
    sum(({ writes }) => writes?.accepted ?? 0),
    sum(({ writes }) => writes?.refused ?? 0),
    sum(({ givenUp }) => givenUp?.length ?? 0),
    sum(({ broken, writes }) => broken.length + (writes?.wrong.length ?? 0)),
  ]
}

function spread(times: readonly number[]): string {
  if (times.length === 0) return ''
  const sorted = times.toSorted((a, b) => a - b)
  return `${Math.round(sorted[(sorted.length - 1) >> 1]!)} / ${Math.round(sorted.at(-1)!)}`
}

function faultsOf({ failedRequests, broken, writes }: Outcome): readonly string[] {
  return [...failedRequests, ...broken, ...(writes?.wrong ?? [])]
}

/** The first row is the heading; the first column is text, the others are numbers. */
function table([heading, ...rows]: readonly (readonly string[])[]): string[] {
  const widths = heading!.map((text, column) => Math.max(text.length, ...rows.map(row => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(heading!), line(rule), ...rows.map(line)]
}
