/**
 * Measured round trips in Redis: a stream of batches that Redis itself keeps short. What it no longer has, a router that was
 * away does not learn; its own file and later samples make up for that.
 */

import Type from 'typebox'
import { checker } from '../schema.ts'
import { type LatencyExchange, SharedSample } from './latency-exchange.ts'
import type { RedisAccess } from './redis-access.ts'

/** Some 100 bytes a sample: 50 kB a batch and 10 MB in all, at most. */
export const samplesPerBatch = 500
const batchesKept = 200
const batchesAtOnce = 20

const checkBatch = checker(Type.Array(SharedSample, { maxItems: samplesPerBatch }))

type Entry = readonly [id: string, fields: readonly string[]]

/** @param instance tells this process from all others: what it has published itself is passed over */
export function createRedisLatency(access: Pick<RedisAccess, 'command' | 'key'>, instance: string): LatencyExchange {
  const key = access.key('latency')
  return {
    async publish(samples) {
      for (let at = 0; at < samples.length; at += samplesPerBatch) {
        const batch = JSON.stringify(samples.slice(at, at + samplesPerBatch))
        await access.command('XADD', [key, 'MAXLEN', '~', batchesKept, '*', 'from', instance, 'samples', batch])
      }
    },
    async take(after = '0-0') {
      const samples: SharedSample[] = []
      let position = after
      for (;;) {
        const args = [key, `(${position}`, '+', 'COUNT', batchesAtOnce]
        const entries = (await access.command('XRANGE', args)) as readonly Entry[]
        for (const [id, [, from, , batch = '']] of entries) {
          position = id
          if (from !== instance) samples.push(...parsed(batch))
        }
        if (entries.length < batchesAtOnce) return { samples, position }
      }
    },
  }
}

/** Nothing for what does not pass: anybody who may write to Redis may write here. */
function parsed(text: string): readonly SharedSample[] {
  try {
    const checked = checkBatch(JSON.parse(text))
    return checked.ok ? checked.value : []
  } catch {
    return []
  }
}
