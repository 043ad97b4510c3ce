import t from 'tap'
import { withDeclared } from '../../src/regions/declared-records.ts'
import type { FleetRecord, FleetState } from '../../src/regions/store.ts'
import { exampleRegion } from '../support/example-region.ts'

const drain = { by: 'ops', at: 5, reason: 'kernel update' }

function record(id: string, more: Partial<FleetRecord> = {}): FleetRecord {
  return { region: exampleRegion(id), source: 'file', revision: 0, registeredAt: 1, ...more }
}

function fleetOf(...records: FleetRecord[]): FleetState {
  return { now: 100, mode: 'frozen', incarnation: 'i', records }
}

t.test('what files declare takes the place of what they declared before', async t => {
  const registered = record('c', { source: 'registered', revision: 7, lease: { epoch: 7, expiresAt: 200 } })
  const changed = exampleRegion('b', { name: 'of the new file' })
  for (const [what, known, declared, expected] of [
    ['nothing new', [record('a')], [exampleRegion('a')], [record('a')]],
    [
      'a new file, in order of ids',
      [record('b')],
      [exampleRegion('b'), exampleRegion('a')],
      [record('a', { registeredAt: 100 }), record('b')],
    ],
    ['a file that is gone', [record('a'), record('b')], [exampleRegion('b')], [record('b')]],
    ['a changed file; the drain stays', [record('b', { drain })], [changed], [record('b', { region: changed, drain })]],
    ['a registration overlays it', [registered], [exampleRegion('c', { name: 'of the file' })], [registered]],
    ['registrations need no file', [record('a'), registered], [], [registered]],
    ['nothing at all', [], [], []],
  ] as const) {
    t.strictSame(withDeclared(fleetOf(...known), declared), fleetOf(...expected), what)
  }
})
