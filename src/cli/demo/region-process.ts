/** The demo's side of a region's process: starts it, tells it what to do, knows when it is gone. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { MeridianError } from '../../errors.ts'
import type { Region } from '../../regions/region.ts'
import type { FromRegion, ToRegion } from './messages.ts'

/** How a process ended: with a code, or by a signal. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RegionProcess {
  /** With the endpoints of this process in place of those in its file. */
  readonly region: Region
  readonly port: number
  /** The one asked for; 0: any. */
  readonly preferredPort: number
  readonly pid: number
  readonly ended: Promise<Ending>
  /** @throws MeridianError INTERNAL when the router refuses it */
  register(controlUrl: string, token: string): Promise<void>
  /** Ends the process and waits for that. */
  stop(): Promise<void>
}

/** Beside this file, in the same language: `.ts` where sources run directly, `.js` where they were built. */
const childFile = new URL(`./region-main${import.meta.url.slice(-3)}`, import.meta.url)

/**
 * @param preferredPort replaced by a free one when it is taken
 * @throws MeridianError LISTEN_FAILED; no process is left behind
 */
export async function startRegionProcess(declared: Region, preferredPort: number): Promise<RegionProcess> {
  // The id as an argument shows which is which in a list of processes.
  const child = fork(childFile, [declared.id], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Ending)
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  try {
    const reply = await tell(child, ended, { kind: 'listen', region: declared, port: preferredPort })
    if (reply.kind !== 'listening') throw failed('LISTEN_FAILED', declared.id, reply)
    const { port } = reply
    const region = { ...declared, endpoints: localEndpoints(declared, port) }
    const register = async (controlUrl: string, token: string): Promise<void> => {
      const answer = await tell(child, ended, { kind: 'register', region, controlUrl, token })
      if (answer.kind !== 'registered') throw failed('INTERNAL', region.id, answer)
    }
    return { region, port, preferredPort, pid: child.pid!, ended, register, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The process and nothing else: addresses and names of the file are those of a real region far away. */
function localEndpoints({ endpoints: { probe } }: Region, port: number): Region['endpoints'] {
  return { publicUrl: `http://127.0.0.1:${port}`, ...(probe !== undefined && { probe }) }
}

async function tell(child: ChildProcess, ended: Promise<Ending>, message: ToRegion): Promise<FromRegion> {
  const reply = once(child, 'message').then(([value]) => value as FromRegion)
  const end = ended.then(
    ({ code, signal }): FromRegion => ({
      kind: 'failed',
      message: `its process ended (${signal ?? `exit code ${code}`})`,
    }),
  )
  child.send(message, () => {})
  return Promise.race([reply, end])
}

function failed(code: 'LISTEN_FAILED' | 'INTERNAL', id: string, reply: FromRegion): MeridianError {
  const reason = reply.kind === 'failed' ? reply.message : `unexpected answer ${reply.kind}`
  return new MeridianError(code, `the demo's region ${id} could not be started: ${reason}`)
}
