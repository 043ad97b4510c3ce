/** What Prometheus scrapes: names that follow the rules, numbers that follow what happened. */

import { readFile } from 'node:fs/promises'
import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { RegionCondition, RegionState, Snapshot } from '../../src/regions/snapshot.ts'
import { exampleRegion } from '../support/example-region.ts'

function snapshotOf(version: number, takenAt: number, conditions: Record<string, RegionCondition>): Snapshot {
  const regions = Object.entries(conditions).map(
    ([id, condition]): RegionState => ({
      region: exampleRegion(id),
      verdict: { condition, by: 'probe', detail: '' },
      since: 0,
      tollMs: 0,
      serviceMs: 0,
    }),
  )
  return { version, takenAt, regions }
}

/** Samples by `name{labels}`. */
async function samplesOf(metrics: { expose(): Promise<string> }): Promise<Map<string, number>> {
  const lines = (await metrics.expose()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

/** With the metrics that somebody else fills. */
function exposeAll(): Promise<string> {
  const metrics = createMetrics(() => 0)
  metrics.useDrains(() => new Map())
  metrics.useUtilisations(() => new Map())
  return metrics.expose()
}

t.test('every metric has a prefix, a unit and a help text', async t => {
  const exposition = await exposeAll()
  const types = [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
    name: name!,
    type: type!,
  }))
  const own = types.filter(({ name }) => name.startsWith('meridian_'))
  t.ok(own.length >= 10)
  for (const { name, type } of own) {
    t.match(
      name,
      /^meridian_[a-z]+(?:_[a-z]+)*_(?:total|seconds|milliseconds|requests|utilisation|peers|leader|info|version|success)$/,
      `${name}: words and a unit`,
    )
    t.equal(name.endsWith('_total'), type === 'counter', `${name}: _total is for counters, and for all of them`)
    if (type === 'histogram') t.match(name, /_seconds$/, `${name}: base units`)
    const help = new RegExp(`^# HELP ${name} (.*)$`, 'm').exec(exposition)?.[1] ?? ''
    t.match(help, /^[A-Z0-9].{15,}[^.]$/, `${name}: a help text, without a full stop`)
  }
  const others = types.filter(({ name }) => !name.startsWith('meridian_'))
  t.ok(others.length > 0)
  for (const { name } of others) t.match(name, /^(?:process|nodejs)_/, `${name}: known to every dashboard`)
})

t.test('traffic', async t => {
  const metrics = createMetrics(() => 0)
  metrics.countDecision({ rule: 'r', transport: 'proxy', region: 'fra', reason: 'least-cost' })
  metrics.countDecision({ rule: 'r', transport: 'proxy', region: undefined, reason: 'none' })
  metrics.countExchange({ transport: 'proxy', status: 204, durationMs: 20 })
  metrics.countExchange({ transport: 'proxy', status: 0, durationMs: 20 })
  metrics.countExchange({ transport: undefined, status: 400, durationMs: 0.1 })
  for (let i = 0; i < 3; i++) metrics.beginUpstream('fra')
  metrics.endUpstream({ region: 'fra', firstByteMs: 30 })
  metrics.endUpstream({ region: 'fra', failure: 'connect' })
  metrics.beginUpstream('fra')
  metrics.endUpstream({ region: 'fra', refused: true })
  metrics.countShed('r', 'low')
  metrics.countProbeFailure('fra')
  const samples = await samplesOf(metrics)
  for (const [sample, value] of [
    ['meridian_decisions_total{rule="r",transport="proxy",region="fra",reason="least-cost"}', 1],
    ['meridian_decisions_total{rule="r",transport="proxy",region="none",reason="none"}', 1],
    ['meridian_http_exchanges_total{transport="proxy",status="2xx"}', 1],
    ['meridian_http_exchanges_total{transport="proxy",status="client-left"}', 1],
    ['meridian_http_exchanges_total{transport="none",status="4xx"}', 1],
    ['meridian_http_exchange_duration_seconds_sum{transport="proxy"}', 0.04],
    ['meridian_http_exchange_duration_seconds_bucket{le="0.01",transport="proxy"}', 0],
    ['meridian_http_exchange_duration_seconds_bucket{le="0.025",transport="proxy"}', 2],
    ['meridian_upstream_inflight_requests{region="fra"}', 1],
    ['meridian_upstream_first_byte_duration_seconds_count{region="fra"}', 1],
    ['meridian_upstream_failures_total{region="fra",kind="connect"}', 1],
    ['meridian_upstream_refusals_total{region="fra"}', 1],
    ['meridian_shed_total{rule="r",priority="low"}', 1],
    ['meridian_probe_failures_total{region="fra"}', 1],
  ] as const) {
    t.equal(samples.get(sample), value, sample)
  }
})

t.test('the fleet: conditions of the last snapshot only, and its age at the time of asking', async t => {
  let now = 1_000
  const metrics = createMetrics(() => now)
  metrics.useSnapshot(snapshotOf(1, 1_000, { fra: 'up', gone: 'down' }))
  metrics.useSnapshot(snapshotOf(2, 2_000, { fra: 'impaired' }))
  now = 4_500
  const samples = await samplesOf(metrics)
  t.equal(samples.get('meridian_snapshot_version'), 2)
  t.equal(samples.get('meridian_snapshot_age_seconds'), 2.5)
  t.equal(samples.get('meridian_region_condition_info{region="fra",tier="edge",condition="impaired"}'), 1)
  t.equal(samples.get('meridian_region_condition_info{region="fra",tier="edge",condition="up"}'), 0)
  t.notOk([...samples.keys()].some(sample => sample.includes('gone')))
  now = 8_000
  t.equal((await samplesOf(metrics)).get('meridian_snapshot_age_seconds'), 6)
})

t.test('tolls: as they are in the last snapshot, and how old they are at the time of asking', async t => {
  let now = 1_000
  const metrics = createMetrics(() => now)
  const withTolls = (version: number, tolls: Record<string, number>, setAt?: number): Snapshot => {
    const snapshot = snapshotOf(version, 1_000, Object.fromEntries(Object.keys(tolls).map(id => [id, 'up'])))
    const regions = snapshot.regions.map(state => ({ ...state, tollMs: tolls[state.region.id]! }))
    return { ...snapshot, regions, ...(setAt !== undefined && { tolls: { term: 1, setAt } }) }
  }
  metrics.useSnapshot(withTolls(1, { fra: 0, gone: 5 }))
  t.notMatch(await metrics.expose(), /^meridian_tolls_age_seconds /m, 'none were set yet')
  metrics.useSnapshot(withTolls(2, { fra: 12.5 }, 800))
  now = 3_800
  const tolls = [...(await samplesOf(metrics))].filter(([sample]) => sample.includes('toll'))
  t.same(tolls, [
    ['meridian_region_toll_milliseconds{region="fra"}', 12.5],
    ['meridian_tolls_age_seconds', 3],
  ])
})

t.test('the fleet at work: who is heard, and who leads', async t => {
  const metrics = createMetrics(() => 0)
  const seen = async () => {
    const samples = await samplesOf(metrics)
    return [samples.get('meridian_exchange_peers'), samples.get('meridian_is_leader')]
  }
  t.same(await seen(), [0, 0])
  metrics.notePeers(3)
  metrics.noteLead(true)
  t.same(await seen(), [3, 1])
  metrics.noteLead(false)
  t.same(await seen(), [3, 0])
})

t.test('how busy regions are is asked for when it is told, and those of before are gone', async t => {
  const metrics = createMetrics(() => 0)
  let now = new Map([
    ['fra', 0.5],
    ['gone', 1.5],
  ])
  metrics.useUtilisations(() => now)
  const seen = async () => [...(await samplesOf(metrics))].filter(([sample]) => sample.includes('utilisation'))
  t.same(await seen(), [
    ['meridian_region_utilisation{region="fra"}', 0.5],
    ['meridian_region_utilisation{region="gone"}', 1.5],
  ])
  now = new Map([['fra', 0.25]])
  t.same(await seen(), [['meridian_region_utilisation{region="fra"}', 0.25]])
})

t.test('measured round trips: as far as they were taken', async t => {
  const metrics = createMetrics(() => 0)
  const seen = async () => [...(await samplesOf(metrics))].filter(([sample]) => sample.includes('latency_samples'))
  t.same(await seen(), [
    ['meridian_latency_samples_total{result="accepted"}', 0],
    ['meridian_latency_samples_total{result="rejected"}', 0],
  ])
  metrics.countLatencySamples(3, 1)
  metrics.countLatencySamples(2, 0)
  t.same(await seen(), [
    ['meridian_latency_samples_total{result="accepted"}', 5],
    ['meridian_latency_samples_total{result="rejected"}', 1],
  ])
})

t.test('every metric stands in the documentation', async t => {
  const folder = new URL('../../docs/', import.meta.url)
  const text = await readFile(new URL('api.md', folder), 'utf8')
  const names = [...(await exposeAll()).matchAll(/^# TYPE (meridian_\S+) /gm)].map(([, name]) => name!)
  for (const name of names) t.ok(text.includes(`\`${name}\``) || text.includes(`\`${name}{`), name)
  for (const [, name] of text.matchAll(/`(meridian_[a-z_]+)/g)) t.ok(names.includes(name!), `${name} exists`)
})

t.test('the store: one trouble at a time, and none at first', async t => {
  const metrics = createMetrics(() => 0)
  const troubles = async () => {
    const samples = await samplesOf(metrics)
    return ['unreadable', 'refuses-writes'].map(word => samples.get(`meridian_store_trouble_info{trouble="${word}"}`))
  }
  t.same(await troubles(), [0, 0])
  metrics.useStoreTrouble('refuses-writes')
  t.same(await troubles(), [0, 1])
  metrics.useStoreTrouble('unreadable')
  t.same(await troubles(), [1, 0])
  metrics.useStoreTrouble(undefined)
  t.same(await troubles(), [0, 0])
})

t.test('geo databases: those in use, with the time of their build', async t => {
  const metrics = createMetrics(() => 0)
  metrics.useGeoDatabases([{ file: 'old.mmdb', builtAt: new Date(1_000) }])
  metrics.useGeoDatabases([{ file: 'city.mmdb', builtAt: new Date(1_700_000_000_000) }, { file: 'overrides.yaml' }])
  const built = [...(await samplesOf(metrics))].filter(([sample]) => sample.startsWith('meridian_geo_database'))
  t.same(built, [['meridian_geo_database_build_timestamp_seconds{file="city.mmdb"}', 1_700_000_000]])
})

t.test('two routers in one process keep their numbers apart', async t => {
  const first = createMetrics(() => 0)
  const second = createMetrics(() => 0)
  first.countProbeFailure('fra')
  t.equal((await samplesOf(second)).get('meridian_probe_failures_total{region="fra"}'), undefined)
  t.match(first.contentType, /^text\/plain/)
})

t.test('reloads and updates of databases: when the last was, and how it ended', async t => {
  let now = 5_000
  const metrics = createMetrics(() => now)
  metrics.noteReload(true)
  metrics.noteGeoUpdate('GeoLite2-City', true)
  metrics.noteGeoUpdate('GeoLite2-ASN', true)
  now = 7_500
  metrics.noteReload(false)
  metrics.noteGeoUpdate('GeoLite2-City', false)
  const samples = await samplesOf(metrics)
  t.equal(samples.get('meridian_last_reload_timestamp_seconds'), 7.5)
  t.equal(samples.get('meridian_last_reload_success'), 0)
  t.equal(samples.get('meridian_last_geo_update_timestamp_seconds{edition="GeoLite2-City"}'), 7.5)
  t.equal(samples.get('meridian_last_geo_update_success{edition="GeoLite2-City"}'), 0)
  t.equal(samples.get('meridian_last_geo_update_timestamp_seconds{edition="GeoLite2-ASN"}'), 5)
  t.equal(samples.get('meridian_last_geo_update_success{edition="GeoLite2-ASN"}'), 1)
  metrics.useGeoEditions(['GeoLite2-City'])
  t.notMatch(await metrics.expose(), /ASN/, 'what is no longer updated is forgotten')
  t.match(await metrics.expose(), /geo_update_success\{edition="GeoLite2-City"\} 0/)
})
