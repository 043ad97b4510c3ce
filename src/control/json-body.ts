/** Reads bodies: JSON only, and never so deep that whoever walks through it later could run out of stack. */

import { MeridianError } from '../errors.ts'
import type { ControlServer } from './dependencies.ts'

/** No region description or report comes near this. */
export const bodyLimitBytes = 64 * 1024

/** Levels of mappings and lists in each other; a region has four. */
const depthLimit = 16

export function installJsonBody(app: ControlServer): void {
  // A page can send text/plain anywhere without being asked (CORS); nobody who means us does.
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Many clients name the type of every POST; whether a body is missed is for the route to say.
    if (body === '') return done(null, undefined)
    if (!isDeep(body)) return parse(request, body, done)
    done(
      new MeridianError('REQUEST_INVALID', `the body: expected at most ${depthLimit} levels in each other`),
      undefined,
    )
  })
}

function isDeep(json: string): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (inText) {
      if (character === '\\') at++
      else if (character === '"') inText = false
    } else if (character === '"') inText = true
    else if (character === '{' || character === '[') {
      if (++depth > depthLimit) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}
