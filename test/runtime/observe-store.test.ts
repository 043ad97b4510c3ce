import { pino } from 'pino'
import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { observeStore } from '../../src/runtime/observe-store.ts'

t.test('each trouble of the store is a line when it begins and one when it ends', async t => {
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const metrics = createMetrics(() => 0)
  const observer = observeStore(metrics, log, true)
  const away = new MeridianError('STORE_UNAVAILABLE', 'gone', { cause: new Error('connection refused') })
  const cannotBeRead = /cannot be read.*no lease lapses/
  const full = 'Redis at 10.0.0.1:6379 did not take the command: OOM'
  const evictionFault = 'Redis may throw regions away'
  for (const [what, step, said, trouble] of [
    ['it is well', () => observer.read({}), undefined, undefined],
    [
      'it is full',
      () => observer.read({ writeFault: full }),
      /OOM: registrations and heartbeats are refused/,
      'refuses-writes',
    ],
    ['it still is', () => observer.read({ writeFault: full }), undefined, 'refuses-writes'],
    ['it goes away', () => observer.away(away), cannotBeRead, 'unreadable'],
    ['it still is', () => observer.away(away), undefined, 'unreadable'],
    ['it is back, and full', () => observer.read({ writeFault: full }), /can be read again/, 'refuses-writes'],
    ['it has room', () => observer.read({}), /takes writes again/, undefined],
    ['it may evict', () => observer.read({ evictionFault }), /may throw regions away/, undefined],
    ['it still may', () => observer.read({ evictionFault }), undefined, undefined],
    ['it goes away', () => observer.away(away), cannotBeRead, 'unreadable'],
    ['it is back, as it was', () => observer.read({ evictionFault }), /can be read again/, undefined],
    ['it was mended', () => observer.read({}), /no regions away any more/, undefined],
  ] as const) {
    lines.length = 0
    step()
    t.equal(lines.length, said === undefined ? 0 : 1, what)
    if (said !== undefined) t.match(lines[0], said, what)
    t.notMatch(lines[0], /stack/, 'what is expected needs no stack')
    const raised = /^meridian_store_trouble_info\{trouble="(.*)"\} 1$/m.exec(await metrics.expose())?.[1]
    t.equal(raised, trouble, what)
  }
})

t.test('a store that was away from the start is told of when it comes', async t => {
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const observer = observeStore(
    createMetrics(() => 0),
    log,
    false,
  )
  observer.away(new Error('connection refused'))
  t.same(lines, [])
  observer.read({})
  t.match(lines, [/can be read again/])
})
