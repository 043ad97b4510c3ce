/** `meridian explain`: asks a running router where it would send a client, and why. */

import { askControl } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { renderTrace, type TraceAnswer } from './explain-view.ts'
import { parseAddressArgument } from './parse-arguments.ts'
import type { Terminal } from './terminal.ts'

export interface ExplainOptions extends ControlOptions {
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly key?: string
  /** By lower-case name. */
  readonly header?: Readonly<Record<string, string>>
}

export async function explain(ip: string, options: ExplainOptions, { print, paint }: Terminal): Promise<void> {
  parseAddressArgument(ip)
  const { host, path, method, key } = options
  const given = Object.entries({ ip, host, path, method, key }).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(given as [string, string][])
  const trace = await askControl(options, {
    path: `v1/explain?${query}`,
    headers: options.header ?? {},
    answerKey: 'rejected',
  })
  print(...(options.json ? [JSON.stringify(trace)] : renderTrace(trace as TraceAnswer, paint)))
}
