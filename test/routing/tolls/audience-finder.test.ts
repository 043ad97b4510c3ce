import t from 'tap'
import { createRouter } from '../../../src/routing/router.ts'
import { AudienceFinder } from '../../../src/routing/tolls/demand-meter.ts'
import type { TollController } from '../../../src/routing/tolls/toll-controller.ts'
import type { Workings } from '../../../src/routing/workings.ts'
import { clientIn, places, region, rule, settings, snapshotOf, state, worldLocator } from '../../support/world.ts'

const rules = [rule({ name: 'models', capability: { header: 'x-model' } })]

/** The insides of a router, which `stepTolls` hands to whoever makes the tolls; a measured network has a cell of its own. */
function world() {
  const plain = worldLocator()
  const warsaw = plain.cells.find(({ country }) => country === 'PL')!
  const own = { ...warsaw, number: plain.cells.length }
  const router = createRouter({ ...settings, rules }, { ...plain, cells: [...plain.cells, own] })
  router.useSnapshot(snapshotOf([state(region('fra', 'frankfurt', { capabilities: ['large'] }))]), 0)
  let workings: Workings | undefined
  const step: TollController['step'] = given => {
    workings = given
    return new Map()
  }
  router.stepTolls({ step } as TollController, [], 0)
  return { router, workings: workings!, warsaw }
}

t.test('what one router tells of an audience, another finds again', async t => {
  const { router, workings, warsaw } = world()
  const finder = new AudienceFinder(workings)
  router.sums(0)
  const header = (name: string) => (name === 'x-model' ? 'large' : undefined)
  for (const more of [{}, { family: 4 }, { family: 6 }, { header }, { family: 6, header }] as const) {
    router.route({ address: clientIn('warsaw'), host: 'x', path: '/', method: 'GET', ...more })
  }
  const { demand } = router.sums(1000)
  t.equal(demand.length, 5)
  for (const key of demand) {
    const { variant, cell } = finder.find(key)!
    t.equal(cell, warsaw.number, 'the cell itself, not the one of a measured network in it')
    const { rule, capability, family } = key
    t.strictSame(
      workings.audiences.nameOf(variant),
      { rule, ...(capability !== undefined && { capability }), ...(family !== undefined && { family }) },
      JSON.stringify(key),
    )
  }
})

t.test('rules and places that are not here', async t => {
  const finder = new AudienceFinder(world().workings)
  const { latitude, longitude, country } = places.warsaw
  for (const [key, found] of [
    [{ rule: 'models', latitude, longitude, country }, true],
    [{ rule: 'models' }, true],
    [{ rule: 'other', latitude, longitude, country }, false],
    [{ rule: 'models', latitude, longitude }, false],
    [{ rule: 'models', latitude: latitude + 1, longitude, country }, false],
  ] as const) {
    t.equal(finder.find(key) !== undefined, found, JSON.stringify(key))
  }
})
