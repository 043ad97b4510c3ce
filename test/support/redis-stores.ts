/** Stores on a real Redis as tests want them: leases longer than any test, and closed at the end. */

import { createAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'
import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/regions/redis-store.ts'
import { realClock } from './clocks.ts'
import type { Owner } from './redis-server.ts'

export function openRedisStore(t: Owner, target: RedisTarget, options: Partial<RedisStoreOptions> = {}): RedisStore {
  const store = createRedisStore({
    target,
    fleet: 'test',
    keyPrefix: '',
    leaseMs: 600_000,
    clock: realClock,
    random: Math.random,
    allowedEndpoints: createAllowedEndpoints(['*.example.com']),
    onWarning: () => {},
    ...options,
  })
  t.teardown(() => store.close())
  return store
}

/** 'done', or the code of the error. */
export function outcomeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'done',
    (error: { readonly code: string }) => error.code,
  )
}
