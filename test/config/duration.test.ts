import t from 'tap'
import Type from 'typebox'
import { Duration, parseDuration } from '../../src/config/duration.ts'
import { checker } from '../../src/schema.ts'

const checkSection = checker(Type.Object({ every: Duration('1s') }))
const check = (every: unknown) => checkSection({ every })

t.test('durations are whole numbers with a unit', async t => {
  for (const [text, ms] of [
    ['1ms', 1],
    ['250ms', 250],
    ['5s', 5_000],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['99h', 356_400_000],
  ] as const) {
    t.ok(check(text).ok, text)
    t.equal(parseDuration(text), ms, text)
  }
})

t.test('anything else is refused', async t => {
  for (const text of [
    '',
    '5',
    '5 s',
    '0s',
    '-1s',
    '1.5s',
    '1d',
    '5S',
    '100h',
    '007s',
    '1s2s',
    '99999999999ms',
    5,
    null,
  ]) {
    t.notOk(check(text).ok, JSON.stringify(text))
  }
})

t.test('the longest duration of every unit still fits a timer', async t => {
  for (const text of ['999999999ms', '999999s', '9999m', '99h']) {
    t.ok(check(text).ok, text)
    t.ok(parseDuration(text) < 2 ** 31, text)
  }
})
