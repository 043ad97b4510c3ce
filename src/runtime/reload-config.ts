/** Which keys a running router takes from a configuration that was read anew, and which wait for its next start. */

import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'

/** The running configuration with everything of the next one that can be changed while it runs. */
export function withHotKeys(running: Config, next: Config): Config {
  return {
    ...running,
    router: withLocation(running.router, next.router),
    geo: next.geo,
    regions: next.regions,
    log: { ...running.log, level: next.log.level },
    routing: { ...running.routing, temperatureMs: next.routing.temperatureMs },
    rules: next.rules,
    control: withAccess(running.control, next.control),
    places: next.places,
  }
}

/** Keys whose values differ, spelt as in the file and two levels deep: `fleet`, `http.listen`. Rules are not looked at. */
export function differingKeys(a: Config, b: Config): string[] {
  const before = flatten(a)
  const after = flatten(b)
  const keys = [...new Set([...before.keys(), ...after.keys()])]
  return keys.filter(key => !isDeepStrictEqual(before.get(key), after.get(key)))
}

function flatten({ places: _, rules: __, ...sections }: Config): Map<string, unknown> {
  const entries = Object.entries(sections).flatMap(([section, value]): (readonly [string, unknown])[] =>
    typeof value === 'object' && value !== null
      ? // Durations are text in the file and milliseconds here.
        Object.entries(value).map(([key, part]) => [`${section}.${fileKey(key)}`, part] as const)
      : [[section, value]],
  )
  return new Map(entries)
}

function fileKey(key: string): string {
  return key === 'temperatureMs' ? key : key.replace(/Ms$/, '')
}

function withLocation(running: Config['router'], { location }: Config['router']): Config['router'] {
  const { location: _, ...rest } = running
  return { ...rest, ...(location !== undefined && { location }) }
}

/** Who may do what; listener and TLS are bound for as long as the router runs. */
function withAccess(running: Config['control'], next: Config['control']): Config['control'] {
  const { tokens, certificates, hosts, allowedEndpoints, rateLimit } = next
  return { ...running, tokens, certificates, hosts, allowedEndpoints, rateLimit }
}
