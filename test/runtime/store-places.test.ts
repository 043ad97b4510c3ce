import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { formatAddress } from '../../src/geo/address.ts'
import type { StorePlace } from '../../src/regions/endpoint-guard.ts'
import type { LookUpAll } from '../../src/regions/guarded-connect.ts'
import { guardStore } from '../../src/runtime/store-places.ts'
import { createFakeClock } from '../support/clocks.ts'

t.test('where Redis is, is told at once, then as names are found to lead elsewhere, and never forgotten', async t => {
  const clock = createFakeClock()
  const nodes = [
    { host: '127.0.0.1', port: 6379 },
    { host: 'DB.internal.', port: 6380 },
  ]
  const answers: ((error: Error | null, addresses: LookupAddress[]) => void)[] = []
  const asked: string[] = []
  const lookUp: LookUpAll = (host, _options, callback) => {
    asked.push(host)
    answers.push(callback)
  }
  let places: readonly StorePlace[] = []
  const told = () => places.map(({ host, port, addresses }) => `${host}:${port} ${addresses.map(formatAddress)}`)
  /** Settled promises are what lets the next round be planned. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  const stop = guardStore({
    nodes: () => nodes,
    guard: {
      keepOff(next) {
        places = next
      },
    },
    lookUp,
    clock,
  })
  t.same(told(), ['127.0.0.1:6379 127.0.0.1', 'db.internal:6380 '], 'a name is known before it is looked up')
  t.same(asked, ['db.internal'])
  answers.pop()!(null, [
    { address: '10.0.0.1', family: 4 },
    { address: 'fe80::1%eth0', family: 6 },
  ])
  t.same(told()[1], 'db.internal:6380 10.0.0.1,fe80::1')

  nodes.push({ host: '10.0.0.3', port: 26379 })
  await pass(1)
  t.same(told()[2], '10.0.0.3:26379 10.0.0.3', 'a node that was told of later')
  t.equal(asked.length, 1, 'and nothing is looked up again so soon')
  await pass(10)
  t.equal(asked.length, 2)
  answers.pop()!(new Error('no such name'), [])
  t.same(told()[1], 'db.internal:6380 10.0.0.1,fe80::1', 'it leads where it last did')
  await pass(10)
  answers.pop()!(null, [{ address: '10.0.0.2', family: 4 }])
  t.same(told()[1], 'db.internal:6380 10.0.0.2')

  stop()
  await pass(30)
  t.equal(asked.length, 3)
  t.equal(clock.pending, 0)
})
