import t from 'tap'
import { hashText, hashWords, rendezvous } from '../../src/routing/pick.ts'
import { randomWord, seededRandom } from '../support/seeded-random.ts'

const ids = ['ams', 'fra', 'iad', 'nrt', 'sin']
const seeds = Int32Array.from(ids, hashText)
const all = [0, 1, 2, 3, 4]

t.test('clients are shared by weight', async t => {
  const weights = [5, 3, 1, 0.5, 0.5]
  const random = seededRandom(1)
  const counts = [0, 0, 0, 0, 0]
  const rounds = 200_000
  for (let i = 0; i < rounds; i++) counts[rendezvous(randomWord(random), seeds, all, weights, 5)]!++
  for (const [i, weight] of weights.entries()) {
    t.ok(Math.abs(counts[i]! / rounds - weight / 10) < 0.005, `${ids[i]}: ${counts[i]! / rounds} of ${weight / 10}`)
  }
})

t.test('neighbouring networks are spread as well as random ones', async t => {
  const counts = [0, 0, 0, 0, 0]
  for (let network = 0; network < 65_536; network++) {
    counts[rendezvous(hashWords((10 << 24) | (network << 8), 4), seeds, all, [1, 1, 1, 1, 1], 5)]!++
  }
  for (const [i, count] of counts.entries()) t.ok(Math.abs(count / 65_536 - 0.2) < 0.01, `${ids[i]}: ${count}`)
})

t.test('skipping hopeless contenders changes no winner', async t => {
  const random = seededRandom(7)
  for (let round = 0; round < 20_000; round++) {
    const weights = all.map(() => (random() < 0.2 ? 0 : random() ** 3))
    const key = randomWord(random)
    const winner = rendezvous(key, seeds, all, weights, 5)
    // The winner also wins every duel, which is what makes failover by walking the list consistent.
    for (const rival of all) {
      if (weights[winner] === 0 || rival === winner) continue
      const duel = rendezvous(key, seeds, [winner, rival], [weights[winner]!, weights[rival]!], 2)
      if (duel !== 0) t.equal(duel, 0, `${ids[winner]} against ${ids[rival]}, weights ${weights}`)
    }
  }
})

t.test('with nothing to choose by, the first is chosen', async t => {
  t.equal(rendezvous(1, seeds, [3, 2], [0, 0], 2), 0)
})
