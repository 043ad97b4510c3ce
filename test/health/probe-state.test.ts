import t from 'tap'
import {
  firstProbeDelayMs,
  nextProbe,
  notProbedYet,
  type ProbeOutcome,
  type ProbeSettings,
} from '../../src/health/probe-state.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const usual: ProbeSettings = { intervalMs: 5_000, recheckMs: 1_000, timeoutMs: 2_000, rise: 2, fall: 3 }
const middle = () => 0.5
const well: ProbeOutcome = { ok: true }
const ill: ProbeOutcome = { ok: false, reason: 'connection refused' }

t.test('rows of outcomes (+ well, - ill), the condition after each and when to probe again', async t => {
  for (const [outcomes, conditions, delays, why] of [
    ['+ + +', 'up up up', '5 5 5', 'all is well'],
    ['- - -', 'impaired impaired down', '1 1 5', 'dead from the start: three probes, two seconds'],
    ['+ - + +', 'up impaired impaired up', '5 1 1 5', 'a hiccup'],
    [
      '+ - - + - - - -',
      'up impaired impaired impaired impaired impaired down down',
      '5 1 1 1 1 1 5 5',
      'a success starts the count of failures again',
    ],
    ['- - - + - + +', 'impaired impaired down down down down up', '1 1 5 1 5 1 5', 'two in a row bring it back'],
    [
      '- + - + - +',
      'impaired impaired impaired impaired impaired impaired',
      '1 1 1 1 1 1',
      'flapping is neither well nor dead',
    ],
  ] as const) {
    let state = notProbedYet
    const seen = { conditions: [] as string[], delays: [] as number[] }
    for (const sign of outcomes.split(' ')) {
      const next = nextProbe(state, sign === '+' ? well : ill, usual, middle)
      state = next.state
      seen.conditions.push(state.condition)
      seen.delays.push(next.delayMs / 1_000)
    }
    t.same(seen, { conditions: conditions.split(' '), delays: delays.split(' ').map(Number) }, why)
  }
})

t.test('counts and the words of the last failure are kept', async t => {
  const after = (state: typeof notProbedYet, outcome: ProbeOutcome) => nextProbe(state, outcome, usual, middle).state
  const first = after(notProbedYet, ill)
  t.same(first, { condition: 'impaired', successes: 0, failures: 1, lastFailure: 'connection refused' })
  const second = after(first, { ok: false, reason: 'connect timeout' })
  t.same(second, { condition: 'impaired', successes: 0, failures: 2, lastFailure: 'connect timeout' })
  t.same(after(second, well), { condition: 'impaired', successes: 1, failures: 0, lastFailure: 'connect timeout' })
  t.same(after(notProbedYet, well), { condition: 'up', successes: 1, failures: 0 })
})

t.test('the interval is jittered by a tenth either way, the first probe spread over one recheck', async t => {
  const delayWith = (random: number) => nextProbe(notProbedYet, well, usual, () => random).delayMs
  t.same([0, 0.5, 0.75].map(delayWith), [4_500, 5_000, 5_250])
  t.same(
    [0, 0.5].map(random => firstProbeDelayMs(usual, () => random)),
    [0, 500],
  )
})

t.test('random rows of outcomes under random settings agree with reading the whole row', async t => {
  const random = seededRandom(3)
  for (let round = 0; round < 500; round++) {
    const settings = { ...usual, rise: 1 + randomInteger(random, 4), fall: 1 + randomInteger(random, 4) }
    const chance = random()
    const outcomes: boolean[] = []
    let state = notProbedYet
    for (let step = 0; step < 40; step++) {
      outcomes.push(random() < chance)
      state = nextProbe(state, outcomes.at(-1) ? well : ill, settings, random).state
      const expected = conditionAfter(outcomes, settings)
      if (state.condition !== expected)
        return t.equal(state.condition, expected, `${settings.rise} ${settings.fall} ${outcomes}`)
    }
  }
  t.pass('500 rows')
})

/** Looks back for the last row of outcomes that settled something. */
function conditionAfter(outcomes: readonly boolean[], { rise, fall }: ProbeSettings): string {
  const endsRow = (end: number, length: number, value: boolean) =>
    end >= length && outcomes.slice(end - length, end).every(outcome => outcome === value)
  let settled = 'up'
  let lastSettled = 0
  for (let end = 1; end <= outcomes.length; end++) {
    if (endsRow(end, rise, true)) [settled, lastSettled] = ['up', end]
    else if (endsRow(end, fall, false)) [settled, lastSettled] = ['down', end]
  }
  const failedSince = outcomes.slice(lastSettled).includes(false)
  return settled === 'up' && failedSince ? 'impaired' : settled
}
