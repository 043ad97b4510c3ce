/** Reads server-sent events as a client does. */

import type { Test } from 'tap'
import { createRecorder } from './recorder.ts'

/** Reads events until it is told to stop or the other side ends. */
export async function follow(t: Test, url: string, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const response = await fetch(url, { headers, signal: stop.signal })
  const { seen, note, until } = createRecorder<Record<string, string>>()
  const ended = (async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        note(Object.fromEntries(block.split('\n').map(line => line.split(/: (.*)/s).slice(0, 2) as [string, string])))
      }
    }
  })().catch(() => {})
  return { response, seen, until, ended, stop }
}
