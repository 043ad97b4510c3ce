/**
 * Reads connection logs of a region and reports the round trips of its clients: the kernel measures them on every TCP
 * connection, and nginx can write them down.
 *
 *   log_format rtt '$remote_addr $tcpinfo_rtt';        # microseconds
 *   access_log /var/log/nginx/rtt.log rtt;
 *
 *   tail -F /var/log/nginx/rtt.log | MERIDIAN_TOKEN=… npx node examples/latency-from-log.ts http://127.0.0.1:8081 edge-ams
 *
 * One sample a network and minute is plenty: what comes beyond is averaged.
 */

import { createInterface } from 'node:readline'

interface Sum {
  logs: number
  count: number
}

/** Address and round trip in ms of a line, undefined where it is none. */
export function parseLine(line: string): { readonly address: string; readonly rttMs: number } | undefined {
  const [address, microseconds, ...rest] = line.trim().split(/\s+/)
  const rttMs = Number(microseconds) / 1000
  if (rest.length > 0 || !/^[0-9a-fA-F.:]+$/.test(address ?? '') || !(rttMs > 0)) return undefined
  return { address: address!, rttMs }
}

/** Geometric means by address, in batches as the API takes them. */
export function* batches(sums: ReadonlyMap<string, Sum>, region: string) {
  const samples = [...sums].map(([network, { logs, count }]) => ({ network, region, rttMs: Math.exp(logs / count) }))
  for (let at = 0; at < samples.length; at += 1000) yield { samples: samples.slice(at, at + 1000) }
}

async function main(api: string, region: string, token: string): Promise<void> {
  let sums = new Map<string, Sum>()
  const report = async (): Promise<void> => {
    const full = sums
    sums = new Map()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    for (const batch of batches(full, region)) {
      const answer = await fetch(`${api}/v1/latency`, { method: 'POST', headers, body: JSON.stringify(batch) })
      process.stderr.write(`${answer.status} ${(await answer.text()).slice(0, 300)}\n`)
    }
  }
  const attempt = () => report().catch(error => void process.stderr.write(`not taken: ${error.message}\n`))
  const timer = setInterval(attempt, 60_000)
  for await (const line of createInterface({ input: process.stdin })) {
    const parsed = parseLine(line)
    if (parsed === undefined) continue
    const sum = sums.get(parsed.address) ?? { logs: 0, count: 0 }
    sum.logs += Math.log(parsed.rttMs)
    sum.count++
    sums.set(parsed.address, sum)
  }
  clearInterval(timer)
  await attempt()
}

if (import.meta.main) {
  const [api = 'http://127.0.0.1:8081', region = 'edge-ams'] = process.argv.slice(2)
  await main(api, region, process.env['MERIDIAN_TOKEN'] ?? '')
}
