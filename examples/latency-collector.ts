/**
 * Takes what `latency-beacon.html` measured and passes it on to the control API. Stands beside the page's own web server,
 * and knows two things that no page may be trusted with: the token, and the network that the client really calls from.
 *
 *   MERIDIAN_TOKEN=… npx node examples/latency-collector.ts http://127.0.0.1:8081 8090
 *
 * Behind a proxy, take the address from the field that your proxy sets, and only from that proxy.
 */

import { createServer, type IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'

interface Sample {
  readonly network: string
  readonly region: string
  readonly rttMs: number
}

const mostWaiting = 1000
const bodyLimit = 4096

/** The address alone: the API makes the /24 or /48 of it. */
function networkOf({ socket }: IncomingMessage): string {
  const address = socket.remoteAddress ?? ''
  const mapped = address.replace(/^::ffff:/, '')
  return isIPv4(mapped) ? mapped : address
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > bodyLimit) throw new Error('too long')
  }
  return body
}

/** `{"edge-ams": 21.3, "edge-fra": 35.8}`, the round trips of one page view. */
function samplesOf(body: string, network: string): Sample[] {
  const entries = Object.entries(JSON.parse(body) as Record<string, unknown>).slice(0, 8)
  return entries.flatMap(([region, rttMs]) => (typeof rttMs === 'number' ? [{ network, region, rttMs }] : []))
}

export function startCollector(api: string, token: string, port: number) {
  let waiting: Sample[] = []
  const pass = async (): Promise<void> => {
    const samples = waiting.splice(0)
    if (samples.length === 0) return
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ samples })
    const answer = await fetch(`${api}/v1/latency`, { method: 'POST', headers, body })
    if (!answer.ok) process.stderr.write(`not taken: ${answer.status} ${await answer.text()}\n`)
  }
  const passQuietly = (): void => void pass().catch(error => process.stderr.write(`not taken: ${error.message}\n`))
  const timer = setInterval(passQuietly, 1000)
  const server = createServer((request, response) => {
    readBody(request)
      .then(body => {
        waiting = [...waiting, ...samplesOf(body, networkOf(request))].slice(0, mostWaiting)
        response.writeHead(204).end()
      })
      .catch(() => response.writeHead(400).end())
  })
  server.listen(port, '127.0.0.1')
  const close = (): void => {
    clearInterval(timer)
    server.close()
  }
  return { server, pass, close }
}

if (import.meta.main) {
  const [api = 'http://127.0.0.1:8081', port = '8090'] = process.argv.slice(2)
  startCollector(api, process.env['MERIDIAN_TOKEN'] ?? '', Number(port))
}
