/**
 * What every store of the fleet has to keep, whatever it is made of. Time is real here, since a store may have its own:
 * nothing waits for a time to pass, only for events.
 */

import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { FleetEvent, RegionStore } from '../../src/regions/store.ts'
import type { StoredToken } from '../../src/regions/token-store.ts'
import { exampleRegion } from '../support/example-region.ts'
import { createRecorder } from '../support/recorder.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import { applyTo, createStoreModel, essenceOf, type Operation } from './store-model.ts'

/** Makes an empty store with a fleet of its own. */
export type MakeStore = (options: { readonly leaseMs: number }) => Promise<RegionStore>

/** Longer than any test. */
const longLeaseMs = 600_000
const shortLeaseMs = 300

export function testStoreContract(name: string, make: MakeStore): void {
  const open = async (t: { teardown(close: () => Promise<void>): void }, leaseMs = longLeaseMs) => {
    const store = await make({ leaseMs })
    t.teardown(() => store.close())
    return { store, events: record(store) }
  }

  t.test(`${name}: files declare regions, ordered by id, believed without a lease`, async t => {
    const { store, events } = await open(t)
    await store.declare([exampleRegion('b'), exampleRegion('a')])
    t.match(await essences(store), [
      { id: 'a', source: 'file' },
      { id: 'b', source: 'file' },
    ])
    t.notOk((await store.read()).records[0]?.lease)
    t.same(
      store.declared().map(({ id }) => id),
      ['b', 'a'],
    )

    await store.declare([exampleRegion('b'), exampleRegion('c')])
    t.match(await essences(store), [{ id: 'b' }, { id: 'c' }], 'a second declaration replaces the first')
    await events.until('removed', 'a')
    t.same(events.seen, ['declared b', 'declared a', 'declared c', 'removed a'], 'what stays the same is no news')
  })

  t.test(`${name}: a registration gets an epoch, a lease, and overlays the file`, async t => {
    const { store, events } = await open(t)
    await store.declare([exampleRegion('a', { name: 'from the file', requiresLease: true })])
    const region = exampleRegion('a', { name: 'registered', labels: { rack: 'ä"\\\u{1f30d}' }, capacityRequests: 0.5 })
    const { epoch, leaseMs } = await store.register(region)
    t.equal(leaseMs, longLeaseMs)
    await events.until('registered', 'a')

    const { now, records } = await store.read()
    const [record] = records
    t.equal(records.length, 1)
    t.same(record!.region, region, 'every field comes back as it was given')
    t.equal(record!.source, 'registered')
    t.equal(record!.lease!.epoch, epoch)
    t.equal(record!.lease!.expiresAt, record!.registeredAt + longLeaseMs)
    t.ok(now >= record!.registeredAt, 'read on the same clock')

    await store.declare([exampleRegion('a', { name: 'a newer file' })])
    t.match(await essences(store), [{ name: 'registered' }], 'the file does not push a registration aside')
    await store.declare([])
    t.match(await essences(store), [{ name: 'registered' }], 'nor does its absence')
  })

  t.test(`${name}: epochs only rise`, async t => {
    const { store } = await open(t)
    const first = await store.register(exampleRegion('a'))
    const second = await store.register(exampleRegion('a'))
    await store.remove('a')
    const third = await store.register(exampleRegion('a'))
    t.ok(first.epoch < second.epoch && second.epoch < third.epoch, `${first.epoch} ${second.epoch} ${third.epoch}`)
  })

  t.test(`${name}: registering the same again is idempotent, but for the epoch`, async t => {
    const { store, events } = await open(t)
    const first = await store.register(exampleRegion('a', { name: 'one' }))
    await events.until('registered', 'a')
    const before = (await store.read()).records[0]!
    const again = await store.register(exampleRegion('a', { name: 'one' }))
    t.ok(again.epoch > first.epoch, 'whoever sent it may have restarted')
    t.equal(again.revision, first.revision)
    await events.until('reported', 'a')
    const after = (await store.read()).records[0]!
    t.equal(after.region, before.region, 'the very same object: nothing for a router to plan anew')
    t.equal(after.revision, first.revision)
    t.equal(after.lease!.epoch, again.epoch)

    const changed = await store.register(exampleRegion('a', { name: 'two' }))
    t.ok(changed.revision > first.revision)
    await events.until('registered', 'a', 2)
    const back = await store.register(exampleRegion('a', { name: 'one' }))
    t.ok(back.revision > changed.revision, 'a revision never returns')
  })

  t.test(`${name}: a registration can demand the revision that its sender has seen`, async t => {
    const { store } = await open(t)
    await store.declare([exampleRegion('a', { name: 'from the file' })])
    t.equal((await store.read()).records[0]!.revision, 0)
    await t.rejects(store.register(exampleRegion('a'), { ifRevision: 7 }), { code: 'REGION_CHANGED' })
    const { revision } = await store.register(exampleRegion('a', { name: 'one' }), { ifRevision: 0 })
    await t.rejects(store.register(exampleRegion('a', { name: 'two' }), { ifRevision: 0 }), {
      code: 'REGION_CHANGED',
      message: `region "a" is registered already, at revision ${revision}: look at it, and send If-Match: "${revision}" to change it all the same`,
    })
    t.match(await essences(store), [{ name: 'one' }], 'what is refused changes nothing')
    await store.register(exampleRegion('a', { name: 'two' }), { ifRevision: revision })
    t.match(await essences(store), [{ name: 'two' }])
    await store.remove('a')
    await t.rejects(store.register(exampleRegion('a'), { ifRevision: revision }), {
      message: `region "a" is not registered, not at ${revision}: read it again first`,
    })
  })

  t.test(`${name}: what has not changed is the same object in every reading`, async t => {
    const { store } = await open(t)
    await store.declare([exampleRegion('file')])
    const { epoch } = await store.register(exampleRegion('registered'))
    const regions = async () => (await store.read()).records.map(({ region }) => region)
    const before = await regions()
    await store.heartbeat('registered', { epoch, sequence: 1 })
    await store.drain('registered', 'ops', '')
    await store.declare([exampleRegion('file')])
    const after = await regions()
    t.equal(after[0], before[0])
    t.equal(after[1], before[1])
  })

  t.test(`${name}: the mode of the fleet is auto until somebody sets it`, async t => {
    const { store, events } = await open(t)
    t.equal((await store.read()).mode, 'auto')
    await store.setMode('frozen', 'ops')
    await events.until('mode', 'frozen by ops')
    t.equal((await store.read()).mode, 'frozen')
    await store.setMode('frozen', 'somebody else')
    await store.setMode('distance-only', 'ops')
    await events.until('mode', 'distance-only by ops')
    t.same(events.seen, ['mode frozen by ops', 'mode distance-only by ops'], 'the mode that already is, is no news')
  })

  t.test(`${name}: tokens are kept until they are revoked, several of one name beside each other`, async t => {
    const { store, events } = await open(t)
    const token = (id: string, name: string, createdAt: number, more: Partial<StoredToken> = {}): StoredToken => ({
      ...{ id, name, createdAt, sha256: id.repeat(64), rights: ['report'], regions: ['edge-*'] },
      ...more,
    })
    const [older, newer] = [token('1', 'paris', 1_000, { expiresAt: 2_000 }), token('2', 'paris', 2_000)]
    const other = token('3', 'berlin', 3_000, { rights: ['read', 'operator'], regions: ['*'] })
    for (const added of [newer, other, older]) await store.tokens.add(added)
    t.same(await store.tokens.list(), [other, older, newer])
    await events.until('tokens', '', 3)
    t.ok(await store.tokens.revoke('1'))
    await events.until('tokens', '', 4)
    t.notOk(await store.tokens.revoke('1'), 'once')
    t.same(await store.tokens.list(), [other, newer])
  })

  t.test(`${name}: the audit log is read from its end`, async t => {
    const { store } = await open(t)
    t.same(await store.audit.latest(10), [])
    const entries = [1, 2, 3].map(at => ({ at, who: 'ops', action: 'drain', region: 'a', outcome: 'done' }))
    const last = { at: 4, who: 'ä"\n', action: 'mode', before: 'auto', after: { mode: 'frozen' }, outcome: 'done' }
    for (const entry of [...entries, last]) await store.audit.append(entry)
    t.same(await store.audit.latest(2), [last, entries[2]])
    t.equal((await store.audit.latest(100)).length, 4)
    t.same(
      await store.audit.latest(2, 'a'),
      [entries[2], entries[1]],
      'the newest of a region, not those among the newest',
    )
    t.same(await store.audit.latest(2, 'b'), [])
    const later = { at: 5, who: 'ops', action: 'drain', region: 'b', outcome: 'done' }
    for (let at = 0; at < 1_001; at++) await store.audit.append({ ...later, at })
    t.same(await store.audit.latest(2, 'a'), [entries[2], entries[1]], 'however many of others came after them')
    t.same(await store.audit.latest(1_000, 'b').then(found => found.map(({ at }) => at).slice(-2)), [2, 1])
  })

  t.test(`${name}: only the newest report of the present epoch counts`, async t => {
    const { store, events } = await open(t)
    const { epoch: former } = await store.register(exampleRegion('a'))
    const { epoch } = await store.register(exampleRegion('a'))
    for (const [reported, sequence, expected, why] of [
      [epoch, 0, 'done', 'the first report'],
      [epoch, 1, 'done', 'the next one'],
      [epoch, 1, 'REPORT_OUTDATED', 'the same again'],
      [epoch, 0, 'REPORT_OUTDATED', 'an older one that was held up'],
      [epoch, 9, 'done', 'some lost in between'],
      [former, 10, 'REPORT_OUTDATED', 'from a former life'],
      [epoch + 1, 10, 'REPORT_OUTDATED', 'for an epoch that nobody issued'],
    ] as const) {
      t.equal((await applyTo(store, { kind: 'heartbeat', id: 'a', epoch: reported, sequence })).outcome, expected, why)
    }
    await store.heartbeat('a', { epoch, sequence: 10, inflight: 212, cpu: 0.61 })
    await events.until('reported', 'a')
    const { now, records } = await store.read()
    const { receivedAt, ...report } = records[0]!.load!
    t.same(report, { epoch, sequence: 10, inflight: 212, cpu: 0.61 })
    t.ok(receivedAt <= now && receivedAt >= records[0]!.registeredAt, 'stamped on the clock of the store')
    t.equal(records[0]!.lease!.expiresAt, receivedAt + longLeaseMs, 'the lease runs from the report')

    await store.register(exampleRegion('a'))
    t.notOk((await store.read()).records[0]!.load, 'what a former life reported is forgotten')
  })

  t.test(`${name}: what is not there is said to be unknown`, async t => {
    const { store } = await open(t)
    await store.declare([exampleRegion('declared')])
    for (const [operation, expected] of [
      [{ kind: 'heartbeat', id: 'nobody', epoch: 1, sequence: 1 }, 'REGION_UNKNOWN'],
      [{ kind: 'heartbeat', id: 'declared', epoch: 1, sequence: 1 }, 'REGION_UNKNOWN'],
      [{ kind: 'drain', id: 'nobody', reason: '' }, 'REGION_UNKNOWN'],
      [{ kind: 'undrain', id: 'nobody' }, 'REGION_UNKNOWN'],
      [{ kind: 'remove', id: 'nobody' }, 'REGION_UNKNOWN'],
      [{ kind: 'remove', id: 'declared' }, 'REGION_INVALID'],
    ] as const) {
      t.equal((await applyTo(store, operation)).outcome, expected, `${operation.kind} ${operation.id}`)
    }
  })

  t.test(`${name}: a drain stays until it is lifted, whatever the region does meanwhile`, async t => {
    const { store, events } = await open(t)
    await store.register(exampleRegion('a'))
    await store.drain('a', 'ops', 'kernel update')
    await events.until('draining', 'a')
    await store.register(exampleRegion('a'))
    const [record] = (await store.read()).records
    t.match(record!.drain, { by: 'ops', reason: 'kernel update' })
    t.ok(record!.drain!.at <= record!.registeredAt, 'with the time on the clock of the store')

    await store.undrain('a')
    await events.until('undrained', 'a')
    t.notOk((await store.read()).records[0]!.drain)
    await store.undrain('a')
    await store.remove('a')
    await events.until('removed', 'a')
    t.equal(events.seen.filter(event => event === 'undrained a').length, 1, 'lifting no drain is no news')
  })

  t.test(`${name}: a drained region of a file stays drained while the file is gone for a moment`, async t => {
    const { store } = await open(t)
    await store.declare([exampleRegion('a')])
    await store.drain('a', 'ops', 'kernel update')
    await store.declare([])
    await store.declare([exampleRegion('a')])
    t.match((await store.read()).records[0]!.drain, { reason: 'kernel update' })
  })

  t.test(`${name}: a drain that has outlived its region can be seen and ended`, async t => {
    const { store, events } = await open(t)
    await store.declare([exampleRegion('a'), exampleRegion('b')])
    t.notOk('strayDrains' in (await store.read()))
    for (const id of ['a', 'b']) await store.drain(id, 'ops', 'kernel update')
    await store.declare([exampleRegion('b')])
    const { strayDrains } = await store.read()
    t.match([...strayDrains!], [['a', { by: 'ops', reason: 'kernel update' }]])
    await store.undrain('a')
    await events.until('undrained', 'a')
    t.notOk('strayDrains' in (await store.read()))
    await t.rejects(store.undrain('a'), { code: 'REGION_UNKNOWN' }, 'and nothing is left of it')
    await store.declare([exampleRegion('a')])
    t.notOk((await store.read()).records[0]!.drain)
  })

  t.test(`${name}: removal forgets a region, or gives it back to its file`, async t => {
    const { store, events } = await open(t)
    await store.declare([exampleRegion('declared', { name: 'from the file' })])
    await store.register(exampleRegion('declared', { name: 'registered' }))
    await store.register(exampleRegion('other'))
    for (const id of ['declared', 'other']) {
      await store.drain(id, 'ops', 'moving out')
      await store.remove(id)
    }
    await events.until('removed', 'other')
    t.same(events.seen.slice(-4), ['draining declared', 'declared declared', 'draining other', 'removed other'])
    t.same(await essences(store), [{ id: 'declared', name: 'from the file', source: 'file', reason: 'moving out' }])

    await store.register(exampleRegion('other'))
    t.notOk((await store.read()).records[1]!.drain, 'who comes back later starts afresh')
  })

  t.test(`${name}: a capacity that changes by more than a tenth is told`, async t => {
    const { store, events } = await open(t)
    const { epoch } = await store.register(exampleRegion('a', { capacityRequests: 100 }))
    let sequence = 0
    const report = (capacityRequests?: number) =>
      store.heartbeat('a', { epoch, sequence: ++sequence, ...(capacityRequests && { capacityRequests }) })
    let told = 0
    for (const [capacity, isNews, why] of [
      [80, false, 'the first report comes right after the registration'],
      [88, false, 'a tenth more'],
      [79, true, 'more than a tenth less'],
      [79, false, 'as before'],
      [0.5, true, 'next to nothing'],
      [1e9, true, 'more than anybody has'],
      [undefined, true, 'not said any more'],
      [undefined, false, 'nor now'],
      [3.5e-7, true, 'said again'],
      [3.6e-7, false, 'numbers of every form'],
    ] as const) {
      await report(capacity)
      if (isNews) await events.until('capacity', 'a', ++told)
      await store.drain('a', 'ops', why)
      await events.until('draining', 'a', sequence)
      t.equal(events.seen.filter(event => event === 'capacity a').length, told, why)
    }
  })

  t.test(`${name}: a lease lapses by itself, the region stays known, a heartbeat brings it back`, async t => {
    const { store, events } = await open(t, shortLeaseMs)
    const { epoch } = await store.register(exampleRegion('a'))
    await events.until('lapsed', 'a')
    const lapsed = await store.read()
    t.equal(lapsed.records.length, 1, 'known, with the lease that has run out')
    t.ok(lapsed.records[0]!.lease!.expiresAt <= lapsed.now)

    await store.heartbeat('a', { epoch, sequence: 1 })
    await events.until('renewed', 'a')
    const renewed = (await store.read()).records[0]!
    t.equal(renewed.lease!.expiresAt, renewed.load!.receivedAt + shortLeaseMs)
    await events.until('lapsed', 'a', 2)
    await store.register(exampleRegion('a'))
    await events.until('lapsed', 'a', 3)
    t.pass('and every lapse is told')
  })

  t.test(`${name}: who has stopped watching hears nothing more, the others do`, async t => {
    const { store, events } = await open(t)
    const heard: FleetEvent[] = []
    const stop = store.watch(event => heard.push(event))
    await store.register(exampleRegion('a'))
    await events.until('registered', 'a')
    stop()
    await store.register(exampleRegion('b'))
    await events.until('registered', 'b')
    t.same(heard, [{ kind: 'registered', region: 'a' }])
  })

  t.test(`${name}: random operations leave what a naive history says`, async t => {
    const random = seededRandom(20_260_614)
    for (let round = 0; round < 10; round++) {
      const { store } = await open(t)
      const model = createStoreModel()
      for (let step = 0; step < 120; step++) {
        const operation = randomOperation(random, model.read())
        const { outcome, epoch } = await applyTo(store, operation)
        const what = `round ${round}, step ${step}: ${JSON.stringify(operation)}`
        const expected = model.apply(operation, epoch)
        if (outcome !== expected) return t.equal(outcome, expected, what)
        const [left, right] = [await essences(store), model.read()]
        if (!isDeepStrictEqual(left, right)) return t.same(left, right, what)
      }
      t.ok(model.read(), `round ${round}`)
    }
  })
}

async function essences(store: RegionStore) {
  return (await store.read()).records.map(essenceOf)
}

/** Every event of the store, in words. */
function record(store: RegionStore) {
  const { seen, note, until } = createRecorder<string>()
  store.watch(event => note(inWords(event)))
  return {
    seen,
    until: (kind: FleetEvent['kind'], what: string, times = 1) =>
      until(events => events.filter(event => event === `${kind} ${what}`.trimEnd()).length >= times),
  }
}

function inWords(event: FleetEvent): string {
  if (event.kind === 'mode') return `mode ${event.mode} by ${event.by}`
  return event.kind === 'tokens' ? event.kind : `${event.kind} ${event.region}`
}

const ids = ['a', 'b', 'c', 'd']

/** Any operation, reports mostly near the ones that would be taken. */
function randomOperation(
  random: () => number,
  known: ReturnType<ReturnType<typeof createStoreModel>['read']>,
): Operation {
  const id = ids[randomInteger(random, ids.length)]!
  const name = `spec ${randomInteger(random, 3)}`
  switch (randomInteger(random, 8)) {
    case 0:
      return { kind: 'declare', ids: ids.filter(() => random() < 0.5), name }
    case 1:
    case 2:
      return { kind: 'register', id, name }
    case 3:
      return { kind: 'drain', id, reason: name }
    case 4:
      return { kind: 'undrain', id }
    case 5:
      return { kind: 'remove', id }
    default: {
      const { epoch = 1, sequence = 0 } = known.find(region => region.id === id) ?? {}
      return {
        kind: 'heartbeat',
        id,
        epoch: Math.max(0, epoch + (random() < 0.8 ? 0 : randomInteger(random, 3) - 1)),
        sequence: Math.max(0, sequence + randomInteger(random, 4) - 1),
      }
    }
  }
}
