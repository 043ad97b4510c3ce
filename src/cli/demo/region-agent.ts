/** Registers a demo region with the router and keeps its lease alive with a load report every two seconds. */

import { request } from 'node:http'
import type { Region } from '../../regions/region.ts'
import type { RegionServer } from './region-server.ts'

const heartbeatEveryMs = 2_000

export interface AgentOptions {
  readonly region: Region
  readonly controlUrl: string
  readonly token: string
  readonly load: Pick<RegionServer, 'readLoad'>
}

/** Resolves once the region is registered; from then on it sends heartbeats, and registers again when they are refused. */
export async function startAgent({ region, controlUrl, token, load }: AgentOptions): Promise<void> {
  const url = `${controlUrl}/v1/regions/${region.id}`
  const register = async (): Promise<number> => {
    const answer = (await send('PUT', url, token, region)) as { epoch: number }
    return answer.epoch
  }
  let epoch = await register()
  let sequence = 0
  let cpu = process.cpuUsage()
  let at = performance.now()
  const beat = async (): Promise<void> => {
    const now = performance.now()
    const { user, system } = process.cpuUsage(cpu)
    const report = {
      ...load.readLoad(),
      epoch,
      sequence: ++sequence,
      ...(region.capacityRequests !== undefined && { capacityRequests: region.capacityRequests }),
      cpu: Math.min(1, (user + system) / 1_000 / (now - at)),
    }
    cpu = process.cpuUsage()
    at = now
    await send('POST', `${url}/heartbeat`, token, report)
  }
  const next = (): void => {
    setTimeout(() => {
      beat()
        .catch(async () => {
          epoch = await register()
        })
        // The router may be gone for a moment: the next beat tries again.
        .catch(() => {})
        .finally(next)
    }, heartbeatEveryMs)
  }
  next()
}

/** The JSON of the answer. @throws Error with the answer's text for anything but success */
function send(method: string, url: string, token: string, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const call = request(url, { method, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode! >= 300)
          reject(new Error(`${method} ${url} was answered ${response.statusCode}: ${text}`))
        else resolve(text === '' ? undefined : JSON.parse(text))
      })
    })
    call.on('error', reject).end(JSON.stringify(body))
  })
}
