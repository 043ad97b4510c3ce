/** Rules that are allowed but rarely do what their author meant; each piece of advice says what to write instead. */

import { type Fault, shown } from '../schema.ts'
import type { Config } from './config.ts'
import type { Rule } from './rule.ts'

type Advice = (rule: Rule, path: string, config: Config) => Fault | undefined

/** In the order of the rules. */
export function adviseOnRules(config: Config): Fault[] {
  return config.rules.flatMap((rule, index) => advices.flatMap(advise => advise(rule, `rules[${index}]`, config) ?? []))
}

const advices: readonly Advice[] = [
  redirectedApi,
  redirectThatDropsBodies,
  statusWithoutRedirect,
  stepWithoutPrices,
  proxyThatTrustsNobody,
]

const apiHost = /^(?:\*\.)?(?:[a-z0-9-]+\.)*api\./
const apiPath = /^\/(?:api|v\d+)(?:\/|$)/

function redirectedApi({ transport, match }: Rule, path: string): Fault | undefined {
  if (transport !== 'redirect') return undefined
  if (!apiHost.test(match.host ?? '') && !apiPath.test(match.path ?? '')) return undefined
  const place = shown(`${match.host ?? ''}${match.path ?? ''}`)
  return {
    path: `${path}.transport`,
    message: `${place} looks like an API, and clients drop the Authorization header when a redirect leads to another origin; use proxy or decide`,
  }
}

function redirectThatDropsBodies({ transport, status, match }: Rule, path: string): Fault | undefined {
  if (transport !== 'redirect' || status === 307 || status === 308) return undefined
  if (match.methods?.every(method => method === 'GET' || method === 'HEAD')) return undefined
  return {
    path: `${path}.status`,
    message: `${status} turns a POST into a GET without its body; use 307, or match the methods GET and HEAD only`,
  }
}

function statusWithoutRedirect({ transport }: Rule, path: string, { places }: Config): Fault | undefined {
  if (transport === 'redirect' || !places.has(`${path}.status`)) return undefined
  return { path: `${path}.status`, message: `means nothing with transport ${transport}; only a redirect has a status` }
}

function stepWithoutPrices({ strict }: Rule, path: string, { places }: Config): Fault | undefined {
  if (!strict || !places.has(`${path}.tierStepMs`)) return undefined
  return { path: `${path}.tierStepMs`, message: 'means nothing while strict is true; set strict: false' }
}

function proxyThatTrustsNobody({ transport }: Rule, path: string, { http }: Config): Fault | undefined {
  if (transport !== 'proxy' || http.trustedProxies.length > 0) return undefined
  return {
    path: `${path}.transport`,
    message:
      'http.trustedProxies is empty, so the address of the connection counts as the client; name the load balancer, if one stands in front',
  }
}
