/** What is written down, and what of a client's address. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import type { ExchangeRecord } from '../../src/edge/observer.ts'
import { MeridianError } from '../../src/errors.ts'
import { parseAddress } from '../../src/geo/address.ts'
import { createAccessLog, createLogger, type LogLevel, shownAddress } from '../../src/observe/log.ts'

function recorder(level: LogLevel) {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger(
    { level, fields: { router: 'fra-1' } },
    { write: line => void lines.push(JSON.parse(line)) },
  )
  return { lines, logger }
}

// As the data plane makes it: that it fits is checked by the compiler.
const record: ExchangeRecord = {
  requestId: 'id-1',
  client: parseAddress('81.2.69.142')!,
  method: 'GET',
  host: 'api.example.com',
  path: '/v1/chat',
  rule: 'inference',
  transport: 'proxy',
  reason: 'least-cost',
  degraded: false,
  region: 'edge-fra',
  tries: 1,
  status: 200,
  whole: true,
  bodyBytes: 512,
  durationMs: 12.3456789,
  errorCode: undefined,
}

t.test('an exchange is one JSON line', async t => {
  const { lines, logger } = recorder('info')
  createAccessLog(logger, 'shortened')(record)
  const { time, ...line } = lines[0]!
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(line, {
    level: 'info',
    router: 'fra-1',
    msg: 'exchange',
    requestId: 'id-1',
    client: '81.2.69.0/24',
    method: 'GET',
    host: 'api.example.com',
    path: '/v1/chat',
    rule: 'inference',
    transport: 'proxy',
    reason: 'least-cost',
    degraded: false,
    region: 'edge-fra',
    tries: 1,
    status: 200,
    whole: true,
    bodyBytes: 512,
    durationMs: 12.346,
  })
})

t.test('levels: below the one asked for, nothing; our own 5xx stand out', async t => {
  for (const [level, change, expected] of [
    ['info', {}, ['info']],
    ['warn', {}, []],
    ['warn', { status: 502, errorCode: 'REGION_UNREACHABLE' }, ['warn']],
    ['info', { status: 502 }, ['info']],
    ['info', { status: 400, errorCode: 'REQUEST_INVALID' }, ['info']],
    ['silent', { status: 502, errorCode: 'REGION_UNREACHABLE' }, []],
  ] as const) {
    const { lines, logger } = recorder(level)
    createAccessLog(logger, 'full')({ ...record, ...change })
    t.same(
      lines.map(line => line['level']),
      expected,
    )
  }
})

t.test('addresses, shortened or whole', async t => {
  for (const [address, shortened] of [
    ['81.2.69.142', '81.2.69.0/24'],
    ['2001:db8:1:2:3::4', '2001:db8:1::/48'],
    ['::ffff:81.2.69.142', '::ffff:81.2.69.0/120'],
  ] as const) {
    t.equal(shownAddress(parseAddress(address)!, 'shortened'), shortened)
    t.equal(shownAddress(parseAddress(address)!, 'full'), address)
  }
})

t.test('a fault is logged with its code, every fault found and its cause', async t => {
  const { lines, logger } = recorder('info')
  const cause = new Error('the reason below')
  logger.error({ err: new MeridianError('CONFIG_INVALID', 'two things', { cause, faults: ['one', 'two'] }) }, 'refused')
  t.match(lines[0], { level: 'error', msg: 'refused', err: { code: 'CONFIG_INVALID', faults: ['one', 'two'] } })
  t.match((lines[0]!['err'] as { stack: string }).stack, /the reason below/)
})

/** A process that logs so many lines to its standard output, and says on standard error when it has. */
function logging(lines: number, then: string) {
  const module = new URL('../../src/observe/log.ts', import.meta.url).href
  const program = `
    const { createLogger } = await import(${JSON.stringify(module)})
    const logger = createLogger({ level: 'info' })
    const filler = 'x'.repeat(1000)
    for (let i = 0; i < ${lines}; i++) logger.info({ i, filler }, 'line')
    process.stderr.write('logged')
    ${then}`
  return spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function linesOf(output: AsyncIterable<Buffer>): Promise<Record<string, unknown>[]> {
  const chunks: Buffer[] = []
  for await (const chunk of output) chunks.push(chunk)
  const lines = Buffer.concat(chunks).toString().trimEnd().split('\n')
  return lines.map(line => JSON.parse(line))
}

t.test('a reader that does not read holds nobody up, and hears how many lines it missed', async t => {
  const child = logging(40_000, '')
  t.teardown(() => child.kill('SIGKILL'))
  t.equal(String((await once(child.stderr, 'data'))[0]), 'logged', 'before a byte was read')
  const lines = await linesOf(child.stdout)
  const missed = Number(lines.find(line => line['level'] === 'warn')?.['lines'])
  t.ok(missed > 0)
  t.equal(lines.filter(line => line['msg'] === 'line').length, 40_000 - missed)
})

t.test('what waits is written when the process exits', async t => {
  for (const then of ['', 'process.exit()']) {
    const child = logging(1_000, then)
    t.teardown(() => child.kill('SIGKILL'))
    t.equal((await linesOf(child.stdout)).length, 1_000)
  }
})
