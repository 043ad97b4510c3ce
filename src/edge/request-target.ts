/**
 * Reads the request target and the Host of a request (RFC 9112 §3.2).
 *
 * Path and query stay byte for byte as they came: nothing is decoded, normalised or resolved, so what a redirect appends to
 * a region's URL always begins with `/` and can never change the authority before it.
 */

export interface RequestTarget {
  /** `*` is a question to the router itself (RFC 9112 §3.2.4): its path is `*`, which is no path. */
  readonly form: 'origin' | 'absolute' | 'asterisk'
  /** Without query, as received. */
  readonly path: string
  /** Path and query, as received; starts with `/` but for the asterisk form. */
  readonly pathAndQuery: string
  /** Host and port of an absolute target; they win over the Host field (RFC 9112 §3.2.2). */
  readonly authority?: string
}

// Visible ASCII (RFC 3986 knows no other); no `#`, since a fragment never leaves a client.
const origin = /^\/[\x21\x22\x24-\x7e]*$/
const absolute = /^https?:\/\/([^/?]+)([/?][\x21\x22\x24-\x7e]*)?$/i

/** @returns undefined where the target is of no form that a router serves (authority-form included) */
export function parseRequestTarget(target: string): RequestTarget | undefined {
  if (origin.test(target)) return { form: 'origin', ...split(target) }
  if (target === '*') return { form: 'asterisk', path: '*', pathAndQuery: '*' }
  const match = absolute.exec(target)
  if (match === null) return undefined
  const rest = match[2] ?? '/'
  return { form: 'absolute', authority: match[1]!, ...split(rest.startsWith('/') ? rest : `/${rest}`) }
}

function split(pathAndQuery: string): { path: string; pathAndQuery: string } {
  const query = pathAndQuery.indexOf('?')
  return { path: query === -1 ? pathAndQuery : pathAndQuery.slice(0, query), pathAndQuery }
}

const authority = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::\d{0,5})?$/

/**
 * Host name of a Host field or authority: lower case, without port and without the root's dot.
 *
 * @returns '' for an empty field (RFC 9110 §7.2), undefined for anything that is no host (user names included)
 */
export function parseHost(value: string): string | undefined {
  if (value === '') return ''
  const host = authority.exec(value.toLowerCase())?.[1]
  return host !== undefined && host.length > 1 && host.endsWith('.') ? host.slice(0, -1) : host
}
