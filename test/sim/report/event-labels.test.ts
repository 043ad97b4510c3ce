import t from 'tap'
import { renderEventLabels } from '../../../src/sim/report/event-labels.ts'
import { timeScale } from '../../../src/sim/report/scale.ts'

t.test('names that would overlap stand below each other', async t => {
  const band = (fromSeconds: number, toSeconds: number, label = 'Asia × 1.35') => ({ fromSeconds, toSeconds, label })
  for (const [bands, rows, why] of [
    [[], 0, 'none'],
    [[band(200, 400), band(420, 500)], 1, 'one after the other'],
    [[band(200, 400), band(200, 400)], 2, 'at the same time'],
    [[band(200, 210), band(215, 400)], 2, 'too short for the name'],
    [[band(0, 600), band(300, 600)], 1, 'the name has ended, though its time goes on'],
    [[band(500, 600), band(100, 200)], 1, 'in whatever order'],
  ] as const)
    t.equal(renderEventLabels(bands, timeScale(0, 600)).rows, rows, why)
})
