import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { readPairs } from '../../bench/calibrate-rtt.ts'
import { continentIndex, rttPriorMs } from '../../src/routing/rtt-prior.ts'

t.test('farther is never expected to be nearer', async t => {
  let before = 0
  for (let km = 0; km <= 20_000; km += 10) {
    const rtt = rttPriorMs(km)
    if (rtt <= before) t.ok(rtt > before, `${km} km`)
    before = rtt
  }
})

t.test('light in fibre is never overtaken', async t => {
  for (let a = 0; a <= 7; a++) {
    for (let b = 0; b <= 7; b++) {
      for (let km = 0; km <= 20_000; km += 100) if (rttPriorMs(km, a, b) <= km / 100) t.fail(`${a} ${b} ${km} km`)
    }
  }
  t.pass('between any continents')
})

t.test('cables between some continents take a detour, either way round', async t => {
  const [europe, asia] = [continentIndex('EU'), continentIndex('AS')]
  t.ok(rttPriorMs(6000, europe, asia) > rttPriorMs(6000))
  t.equal(rttPriorMs(6000, europe, asia), rttPriorMs(6000, asia, europe))
  t.equal(rttPriorMs(6000, 0, asia), rttPriorMs(6000), 'an unknown continent has no detour')
  t.equal(continentIndex('XX'), 0)
})

const measured = resolve(import.meta.dirname, '../../../shared/data/azure')
const skip = existsSync(measured) ? false : 'the measured round trips are not at hand (../shared/data/azure)'

t.test('the prior is as far from measured round trips as docs/routing.md says', { skip }, async t => {
  const pairs = readPairs(measured)
  const errors = pairs
    .map(({ a, b, km, rttMs }) =>
      Math.abs(rttMs - rttPriorMs(km, continentIndex(a.continent), continentIndex(b.continent))),
    )
    .sort((x, y) => x - y)
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
  t.ok(mean < 19, `mean error ${mean.toFixed(1)} ms`)
  t.ok(errors[errors.length >> 1]! < 12.5, `median error ${errors[errors.length >> 1]!.toFixed(1)} ms`)
})
