/** How many of the hostile calls of the tests a whole router refuses, each as it should. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostileCalls, scopedToken, victim, wideToken } from '../test/control/hostile-calls.ts'
import { exampleRegion } from '../test/support/example-region.ts'
import { startMeridianCommand } from '../test/support/run-meridian.ts'
import type { Figures } from './figures.ts'

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

const settings = `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: ["*.example.com", 10.20.0.0/16]
  tokens:
    - { name: edge, sha256: ${hashOf(scopedToken)}, rights: [report], regions: ["edge-*"] }
    - { name: wide, sha256: ${hashOf(wideToken)}, rights: [report] }
health: { enabled: false }
`

export async function measureHostileCalls(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'))
  const file = join(folder, 'meridian.yaml')
  writeFileSync(file, settings)
  const command = startMeridianCommand(['serve', '--config', file])
  try {
    const [, controlUrl] = await command.until('stderr', /its control API on (\S+)\n/)
    await write(`${controlUrl}/v1/regions/${victim}`, 'PUT', exampleRegion(victim))
    await write(`${controlUrl}/v1/regions/${victim}/heartbeat`, 'POST', { epoch: 1, sequence: 5, inflight: 7 })
    let refused = 0
    for (const { name, bytes, statuses } of hostileCalls) {
      const status = await statusOf(Number(new URL(controlUrl!).port), bytes)
      if (statuses.includes(status)) refused++
      else console.error(`${name}: answered ${status}, not ${statuses.join(' or ')}`)
    }
    return { hostileCalls: hostileCalls.length, hostileCallsRefused: refused }
  } finally {
    command.process.kill('SIGKILL')
    await command.result
    rmSync(folder, { recursive: true, force: true })
  }
}

async function write(url: string, method: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${wideToken}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

/** Of the answer; NaN where there was none. */
async function statusOf(port: number, bytes: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  // Who is refused before its last byte is read finds the connection closed.
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Number(text.split(' ', 2)[1])
}
