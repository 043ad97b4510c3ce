/**
 * Faults that a schema cannot see but that need nothing beside the configuration: texts that are no networks, and values
 * that contradict each other. What depends on the fleet is in `cross-check.ts`.
 */

import { parseAddress } from '../geo/address.ts'
import { parseNetwork } from '../geo/network.ts'
import { placesOf } from '../geo/update/editions.ts'
import { parseAllowedEndpoints } from '../regions/allowed-endpoints.ts'
import { type Fault, shown } from '../schema.ts'
import { parseDuration } from './duration.ts'
import { isLoopback } from './loopback.ts'
import { redisFaults } from './redis.ts'
import { catchAllRule, type Rule } from './rule.ts'
import type { Settings } from './schema.ts'

/**
 * All of them at once, in the order of the file's sections.
 *
 * @param needsLicenseKey false for whoever downloads nothing
 */
export function findInconsistencies(settings: Settings, needsLicenseKey = true): readonly Fault[] {
  return [
    ...geoUpdateFaults(settings.geo, needsLicenseKey),
    ...redisFaults(settings.redis),
    ...listenerFaults(settings),
    ...networkFaults(settings),
    ...tlsFaults(settings.control),
    ...tokenFaults(settings.control),
    ...routingFaults(settings.routing),
    ...ruleNameFaults(settings.rules),
    ...unreachableRules(settings.rules),
    ...corsFaults(settings.rules),
  ]
}

/** Of `geo.update.licenseKey` where there is an account. */
export const missingLicenseKey = 'is missing: a download needs it beside the account'

function geoUpdateFaults({ update, databases, asn }: Settings['geo'], needsLicenseKey: boolean): Fault[] {
  const { accountId, licenseKey, editions, url } = update
  if (accountId === undefined && licenseKey === undefined) return []
  const faults: Fault[] = []
  const fault = (key: string, message: string) => faults.push({ path: `geo.update.${key}`, message })
  if (accountId === undefined) fault('accountId', 'is missing: a download needs it beside the license key')
  if (licenseKey === undefined && needsLicenseKey) fault('licenseKey', missingLicenseKey)
  for (const [index, name] of editions.entries()) {
    const { length } = placesOf(name, { databases, asn })
    if (length === 1) continue
    const expected = `one file called ${name}.mmdb in geo.databases or geo.asn, to be kept fresh`
    fault(`editions[${index}]`, `expected ${expected}, not ${length === 0 ? 'none' : length}`)
  }
  const message = serviceUrlFault(url)
  if (message !== undefined) fault('url', message)
  return faults
}

function serviceUrlFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return 'expected a URL such as https://download.example.com'
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'expected a URL without user, query or fragment'
  }
  const isOpen = url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  return isOpen ? 'expected https: the license key would be readable on its way' : undefined
}

function listenerFaults({ http, control }: Settings): Fault[] {
  const listeners = [
    ...http.listen.map((listen, index) => ({ path: `http.listen[${index}]`, ...listen })),
    { path: 'control.listen', ...control.listen },
  ]
  const faults: Fault[] = []
  for (const [index, { path, address, port }] of listeners.entries()) {
    if (parseAddress(address) === undefined) {
      faults.push({ path: `${path}.address`, message: `expected an IP address, not ${shown(address)}` })
    }
    const twin = listeners.slice(0, index).find(other => other.address === address && other.port === port && port !== 0)
    if (twin !== undefined) faults.push({ path, message: `listens on ${address} port ${port}, as ${twin.path} does` })
  }
  const isOpenToAll = control.tokens.length === 0 && control.certificates.length === 0
  if (isOpenToAll && !isLoopback(control.listen.address)) {
    const message = `${shown(control.listen.address)} is reachable from other machines, but control.tokens is empty: add a token, or listen on 127.0.0.1`
    faults.push({ path: 'control.listen.address', message })
  }
  return faults
}

function networkFaults({ http, control }: Settings): Fault[] {
  const proxies = http.trustedProxies.flatMap((text, index) => {
    const network = parseNetwork(text)
    return network.ok ? [] : network.faults.map(({ message }) => ({ path: `http.trustedProxies[${index}]`, message }))
  })
  const allowed = parseAllowedEndpoints(control.allowedEndpoints)
  if (allowed.ok) return proxies
  return [
    ...proxies,
    ...allowed.faults.map(({ path, message }) => ({ path: `control.allowedEndpoints${path}`, message })),
  ]
}

function tlsFaults({ tls, certificates }: Settings['control']): Fault[] {
  const { cert, key, clientCa } = tls
  const faults: Fault[] = []
  const fault = (path: string, message: string) => faults.push({ path: `control.${path}`, message })
  if (cert === undefined && key !== undefined) fault('tls.cert', 'is missing: the key needs its certificate')
  if (key === undefined && cert !== undefined) fault('tls.key', 'is missing: the certificate needs its key')
  if (clientCa !== undefined && cert === undefined && key === undefined) {
    fault('tls.clientCa', 'means nothing without control.tls.cert and control.tls.key')
  }
  if (certificates.length > 0 && clientCa === undefined) {
    fault('certificates', 'mean nothing without control.tls.clientCa, which says who signs them')
  }
  for (const [index, first] of repeated(certificates, ({ subject }) => subject)) {
    const subject = shown(certificates[index]!.subject)
    fault(`certificates[${index}].subject`, `${subject} is the subject of control.certificates[${first}] already`)
  }
  return faults
}

/** How many tokens of one name may be valid at a time: the one in use and the one that replaces it. */
const tokensPerName = 2

function tokenFaults({ tokens }: Settings['control']): Fault[] {
  const names = tokens.map(({ name }) => name)
  const faults = names.flatMap((name, index) => {
    const before = names.slice(0, index).filter(other => other === name).length
    const message = `${shown(name)} has ${tokensPerName} tokens already: one in use and one to replace it`
    return before < tokensPerName ? [] : [{ path: `control.tokens[${index}].name`, message }]
  })
  return [
    ...faults,
    ...repeated(tokens, ({ sha256 }) => sha256).map(([index, first]) => ({
      path: `control.tokens[${index}].sha256`,
      message: `the same token as control.tokens[${first}]`,
    })),
    ...tokens.flatMap(({ expires }, index) =>
      expires === undefined || !Number.isNaN(Date.parse(expires))
        ? []
        : [{ path: `control.tokens[${index}].expires`, message: `there is no such date: ${shown(expires)}` }],
    ),
  ]
}

/** Bounds of durations: what is more often costs every router of the fleet, what is rarer is out of date. */
const routingBounds = { exchangeEvery: ['20ms', '5s'], tollsEvery: ['500ms', '5s'] } as const

function routingFaults(routing: Settings['routing']): Fault[] {
  return Object.entries(routingBounds).flatMap(([key, [least, most]]) => {
    const found = routing[key as keyof typeof routingBounds]
    const ms = parseDuration(found)
    if (ms >= parseDuration(least) && ms <= parseDuration(most)) return []
    return [{ path: `routing.${key}`, message: `expected from ${least} to ${most}, not ${found}` }]
  })
}

function ruleNameFaults(rules: readonly Rule[]): Fault[] {
  const faults = repeated(rules, ({ name }) => name).map(([index, first]) => ({
    path: `rules[${index}].name`,
    message: `${shown(rules[index]!.name)} is the name of rules[${first}] already`,
  }))
  const taken = rules.findIndex(({ name, match }) => name === catchAllRule.name && Object.keys(match).length > 0)
  if (taken < 0) return faults
  const message = `${shown(catchAllRule.name)} is the name of the built-in catch-all; a rule of this name must match everything`
  return [...faults, { path: `rules[${taken}].name`, message }]
}

/** Rules of which every method, or the whole, is taken by earlier rules with the same host and path. */
function unreachableRules(rules: readonly Rule[]): Fault[] {
  const faults: Fault[] = []
  for (const [index, { match }] of rules.entries()) {
    const earlier = rules.slice(0, index).filter(rule => placeOf(rule) === placeOf(rules[index]!))
    const takenWhole = earlier.some(rule => rule.match.methods === undefined)
    const taken = new Set(earlier.flatMap(rule => rule.match.methods ?? []))
    if (!takenWhole && !(match.methods ?? ['any']).every(method => taken.has(method))) continue
    const names = earlier.map(({ name }) => shown(name)).join(', ')
    faults.push({
      path: `rules[${index}]`,
      message: `can never match: ${names} before it takes the same host and path`,
    })
  }
  return faults
}

/** Host and path as rules are told apart: a trailing slash means nothing. */
function placeOf({ match }: Rule): string {
  return `${match.host ?? '*'}${(match.path ?? '/').replace(/\/*$/, '/')}`
}

function corsFaults(rules: readonly Rule[]): Fault[] {
  return rules.flatMap(({ cors }, index) =>
    cors?.credentials && cors.origins.includes('*')
      ? [
          {
            path: `rules[${index}].cors.origins`,
            message: 'with credentials: true, browsers refuse the origin *; name the origins',
          },
        ]
      : [],
  )
}

/** Pairs of (place, first place) for entries whose key was seen before. */
function repeated<T>(entries: readonly T[], keyOf: (entry: T) => string): readonly (readonly [number, number])[] {
  const keys = entries.map(keyOf)
  return keys.flatMap((key, index) => (keys.indexOf(key) < index ? [[index, keys.indexOf(key)] as const] : []))
}
