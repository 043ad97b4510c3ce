/** Pins that every scenario that is shipped can be read and run, and that those that are compared are alike. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { meridian } from '../../src/sim/policies/meridian.ts'
import { nearest } from '../../src/sim/policies/nearest.ts'
import { createSimulation } from '../../src/sim/simulation.ts'
import type { World } from '../../src/sim/world.ts'
import { scenarioFolder, shippedScenario } from '../support/shipped-scenario.ts'

const files = readdirSync(scenarioFolder)
const names = files.filter(file => file.endsWith('.yaml')).map(file => file.replace(/\.yaml$/, ''))
const recorded = resolve(scenarioFolder, '../../../shared/data/azure/llm-inference-trace-conv-2023.csv')

t.test('every scenario runs', async t => {
  t.ok(names.length >= 25, `${names.length} scenarios`)
  const listed = readFileSync(join(scenarioFolder, 'README.md'), 'utf8')
    .match(/`[^`]*`/g)!
    .join()
  for (const name of names) t.ok(listed.includes(`\`${name.replace(/-mixed$/, '')}\``), `${name} is in the list`)
  for (const name of names) {
    const skip = name === 'azure-arrivals' && !existsSync(recorded) && 'the recording is not part of the project'
    t.test(name, { skip }, async t => {
      const world = await shippedScenario(name)
      t.equal(world.name, name, 'it is named like its file')
      t.ok(world.regions.every(({ tier }) => tier === 'cloud') || name === 'private-core', 'tiers do not decide')
      t.ok(
        world.regions.every(({ biasMs, weight }) => biasMs === 0 && weight === 1),
        'nor does a preference',
      )
      for (const { label, fromMs, toMs } of world.changes) {
        t.ok(toMs > fromMs && toMs <= world.durationMs, `${label} is over before the end`)
      }
      const simulation = createSimulation(world, meridian)
      simulation.advanceTo(5000)
      t.ok(simulation.requests > 0 && simulation.now >= 5000 - 1, `${simulation.requests} requests in 5 s`)
    })
  }
})

t.test('the variants of one scenario differ only in what they are about', async t => {
  const surge = await shippedScenario('regional-surge')
  t.equal(surge.cities.length, 18)
  t.same(Object.fromEntries(surge.regions.map(region => [region.id, region.capacityRequests])), {
    'cloud-sin': 160,
    'cloud-fra': 140,
    'cloud-nrt': 100,
    'cloud-iad': 80,
    'cloud-gru': 60,
    'cloud-pdx': 60,
  })
  for (const [name, routers] of [
    ['slow-reports', { count: 4, reportEveryMs: 5000 }],
    ['sixteen-routers', { count: 16, reportEveryMs: 2000 }],
    ['sixteen-routers-slow-reports', { count: 16, reportEveryMs: 5000 }],
  ] as const) {
    t.same(await shippedScenario(name), { ...surge, name, routers: { ...surge.routers, ...routers } }, name)
  }
  for (const ttl of [0, 30, 60]) {
    const alone = await shippedScenario(`dns-${ttl}s`)
    t.equal(alone.routers.ttlMs, 1000 * ttl)
    t.same(alone.routers.transport, { proxy: 0, redirect: 0, dns: 1 })
    const mixed = await shippedScenario(`dns-${ttl}s-mixed`)
    t.same(
      mixed,
      { ...alone, name: mixed.name, routers: { ...alone.routers, transport: { proxy: 0.5, redirect: 0, dns: 0.5 } } },
      mixed.name,
    )
  }
  for (const [name, seconds] of [
    ['service-100ms', 0.1],
    ['service-500ms', 0.5],
    ['service-5s', 5],
    ['service-30s', 30],
  ] as const) {
    t.equal((await shippedScenario(name)).service.meanMs, 1000 * seconds)
  }
})

t.test('server busy: the same clients and the same slots, in one place or in six', async t => {
  const slotsOf = ({ regions }: World) => regions.reduce((sum, region) => sum + region.capacityRequests!, 0)
  const [baseline, spread, retried] = await Promise.all(
    ['server-busy-baseline', 'server-busy-spread', 'server-busy'].map(shippedScenario),
  )
  t.same(
    [baseline, spread, retried].map(world => world!.regions.length),
    [1, 6, 6],
  )
  t.equal((1000 * slotsOf(baseline!)) / baseline!.service.meanMs, 50, 'requests a second')
  for (const other of [spread!, retried!]) {
    t.same(other.demand, baseline!.demand)
    t.equal(slotsOf(other), slotsOf(baseline!))
  }
  t.same(
    [baseline, spread, retried].map(world => world!.clients.retry.attempts),
    [1, 1, 3],
  )
  const busy = createSimulation({ ...baseline!, durationMs: 3_600_000 }, nearest)
  busy.advanceTo(3_600_000)
  const { availability } = busy.result().totals
  t.ok(availability > 0.985 && availability < 0.995, `99.0 % within what chance allows: ${availability}`)
})
