/** Reads YAML 1.2 into plain values and remembers on which line each stands. Knows nothing of the configuration's keys. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import type { Fault } from '../schema.ts'
import { joinPath } from './keys.ts'

export interface YamlSource {
  /** `{}` for an empty document and for one with faults. */
  readonly value: unknown
  /** Line of every key and list entry, by path; from 1. */
  readonly lines: ReadonlyMap<string, number>
  /** What is wrong with the YAML itself; the path is file, line and column. */
  readonly faults: readonly Fault[]
}

/**
 * Every fault of the text at once.
 *
 * @param file name of the text in messages
 */
export function parseYaml(text: string, file: string): YamlSource {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  // A warning is a tag that means nothing here: `!secret x` would otherwise silently be the text x.
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0])
    return { path: `${file}:${line}:${col}`, message: `not valid YAML: ${message}` }
  })
  if (faults.length > 0) return { value: {}, lines: new Map(), faults }
  const lines = new Map<string, number>()
  collectLines(document.contents, '', lines, lineCounter)
  try {
    return { value: document.toJS() ?? {}, lines, faults }
  } catch (error) {
    // An alias without its anchor, or aliases nested until they explode.
    return { value: {}, lines, faults: [{ path: file, message: `not valid YAML: ${(error as Error).message}` }] }
  }
}

function collectLines(node: Node | null, path: string, lines: Map<string, number>, counter: LineCounter): void {
  const note = (child: string, at: Node | null) => {
    if (at?.range) lines.set(child, counter.linePos(at.range[0]).line)
  }
  if (isMap(node)) {
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      const child = joinPath(path, isScalar(key) ? String(key.value) : String(key))
      note(child, key)
      collectLines(value, child, lines, counter)
    }
  } else if (isSeq(node)) {
    for (const [index, entry] of (node.items as Node[]).entries()) {
      const child = joinPath(path, index)
      note(child, entry)
      if (!isAlias(entry)) collectLines(entry, child, lines, counter)
    }
  }
}
