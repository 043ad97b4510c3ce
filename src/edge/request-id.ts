/** The name of an exchange in logs, answers and problem documents. */

// Unreserved characters of a URI, since it is the `instance` of problem documents as well.
const wellFormed = /^[A-Za-z0-9._~-]{1,128}$/

/** Takes the id over from a trusted peer where it is well-formed, so that one id follows a request through all proxies. */
export function requestIdOf(given: string | undefined, peerTrusted: boolean, create: () => string): string {
  return peerTrusted && given !== undefined && wellFormed.test(given) ? given : create()
}
