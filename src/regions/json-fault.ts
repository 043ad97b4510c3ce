/**
 * Where a JSON text (RFC 8259) is broken, in line and column, and what was expected there.
 *
 * JSON.parse finds every fault but tells the place of only some. This reads such a text again up to the first token that
 * does not belong, with a stack of its own, so that no depth of nesting can break it.
 */

import { shown } from '../schema.ts'

const string = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`
const scalar = String.raw`(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])`
const token = new RegExp(String.raw`[ \t\n\r]*(?:([{}\[\],:])|(${string})|${scalar})`, 'y')
const notSpace = /[^ \t\n\r]|$/g

type Opening = '{' | '['
/** In the words of the message. */
type Expected =
  | 'a value'
  | 'a value or ]'
  | 'a name in double quotes'
  | 'a name in double quotes or }'
  | 'a colon'
  | 'a comma or ]'
  | 'a comma or }'
  | 'nothing more'

/** A sentence such as `line 3, column 5: expected a comma or }, not "x"`; undefined for a text that is JSON. */
export function findJsonFault(text: string): string | undefined {
  const open: Opening[] = []
  let expected: Expected = 'a value'
  for (let position = 0; ; position = token.lastIndex) {
    notSpace.lastIndex = position
    const start = notSpace.exec(text)!.index
    if (start === text.length && expected === 'nothing more') return undefined
    token.lastIndex = position
    const match = token.exec(text)
    const next: Expected | undefined = match === null ? undefined : expectedAfter(match, expected, open)
    if (next === undefined) {
      const unfinished =
        match === null && text[start] === '"' ? ' (a line break, a bad escape or no closing quote)' : ''
      return `${placeOf(text, start)}: expected ${expected}, ${found(text, start)}${unfinished}`
    }
    expected = next
  }
}

/** What has to come after this token; undefined where the token itself does not belong. */
function expectedAfter(match: RegExpExecArray, expected: Expected, open: Opening[]): Expected | undefined {
  const [, mark, text] = match
  if (text !== undefined && expected.startsWith('a name')) return 'a colon'
  switch (mark) {
    case undefined:
      return expected.startsWith('a value') ? afterValue(open) : undefined
    case '{':
    case '[':
      if (!expected.startsWith('a value')) return undefined
      open.push(mark)
      return mark === '{' ? 'a name in double quotes or }' : 'a value or ]'
    case '}':
    case ']':
      if (!expected.endsWith(`or ${mark}`)) return undefined
      open.pop()
      return afterValue(open)
    case ':':
      return expected === 'a colon' ? 'a value' : undefined
    default:
      if (!expected.startsWith('a comma')) return undefined
      return open.at(-1) === '{' ? 'a name in double quotes' : 'a value'
  }
}

function afterValue(open: readonly Opening[]): Expected {
  if (open.length === 0) return 'nothing more'
  return open.at(-1) === '{' ? 'a comma or }' : 'a comma or ]'
}

function placeOf(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n')
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`
}

function found(text: string, position: number): string {
  if (position === text.length) return 'but the text ends'
  const rest = text.slice(position).split('\n', 1)[0]!
  return `not ${shown(rest.slice(0, 24))}`
}
