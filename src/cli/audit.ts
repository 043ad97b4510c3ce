/** `meridian audit`: the audit log of the fleet, as a table. */

import type { AuditEntry } from '../regions/audit-log.ts'
import { shown } from '../schema.ts'
import { askControl } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { leftAligned, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

export interface AuditOptions extends ControlOptions {
  readonly count: number
  /** All where absent. */
  readonly region?: string
}

const width = 140

/** @throws MeridianError what the API answered, or CONTROL_UNREACHABLE */
export async function showAudit(options: AuditOptions, { print, paint }: Terminal): Promise<void> {
  const { count, region, json } = options
  const query = new URLSearchParams({ count: String(count), ...(region !== undefined && { region }) })
  const answer = (await askControl(options, { path: `v1/audit?${query}`, answerKey: 'entries' })) as {
    readonly entries: readonly AuditEntry[]
  }
  if (json) return print(JSON.stringify(answer))
  if (answer.entries.length === 0) {
    return print(
      region === undefined ? 'Nothing has been changed.' : `Nothing has been changed about ${shown(region)}.`,
    )
  }
  const rows = answer.entries.map(entry => [
    ...[when(entry.at), entry.who, entry.action, entry.region ?? ''],
    { text: entry.outcome, style: entry.outcome === 'done' ? undefined : ('red' as const) },
    changeWords(entry),
  ])
  print(...renderTable(leftAligned('when (UTC)', 'who', 'what', 'region', 'outcome', 'change'), rows, width, paint))
}

function when(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

/** Shortened; `--json` has the whole. */
function changeWords({ before, after }: AuditEntry): string {
  if (before === undefined) return after === undefined ? '' : shown(after)
  return after === undefined ? `was ${shown(before)}` : `${shown(before)} → ${shown(after)}`
}
