/** `meridian simulate`: runs a scenario under one or several policies, and writes what came of it. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { unreadable, unwritable } from '../errors.ts'
import { bundledData } from '../paths.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { computeOptimum, type Optimum, withOptimum } from '../sim/optimum.ts'
import { policyNamed } from '../sim/policies/policies.ts'
import type { Policy } from '../sim/policy.ts'
import { renderReport } from '../sim/report/page.ts'
import type { SimulationResult } from '../sim/result.ts'
import { createSimulation } from '../sim/simulation.ts'
import type { World } from '../sim/world.ts'
import { parseSimulateOptions, type SimulateOptions, type Wanted } from './simulate-options.ts'
import { createProgressBar, type ProgressBar } from './simulate-progress.ts'
import { renderSimulation } from './simulate-view.ts'
import { loadWorlds } from './simulate-world.ts'
import type { Terminal } from './terminal.ts'

/**
 * @param file the scenario
 * @throws MeridianError REQUEST_INVALID, SCENARIO_INVALID, REGION_INVALID, FILE_UNREADABLE or FILE_UNWRITABLE, before anything is run
 */
export async function simulateScenario(file: string, options: SimulateOptions, terminal: Terminal): Promise<void> {
  const wanted = parseSimulateOptions(options)
  const worlds = await loadWorlds(file, wanted)
  const land = await readLand()
  await makeFolder(options.out)
  const results = await runAll(worlds, wanted, terminal)
  const files = await writeAll(options.out, results, renderReport({ results, land }))
  if (options.json) {
    const told = results.map(({ scenario, policy, seed, routers, totals }) => ({
      scenario,
      policy,
      seed,
      routers,
      totals,
    }))
    return terminal.print(JSON.stringify(told))
  }
  terminal.print(...renderSimulation(results, terminal.paint), '', ...files)
}

async function runAll(worlds: readonly World[], { policies }: Wanted, terminal: Terminal): Promise<SimulationResult[]> {
  terminal.status('Looking for the optimum …')
  // Demand, capacity and latency are the same for every seed.
  const optimum = await computeOptimum(worlds[0]!)
  const bar = createProgressBar(terminal, systemClock, policies.length * worlds.length)
  const results: SimulationResult[] = []
  try {
    for (const name of policies) {
      const policy = (await policyNamed(name, async () => optimum))!
      for (const world of worlds) {
        bar.begin(`${name}, seed ${world.seed}`)
        results.push(beside(optimum, await run(world, policy, bar)))
      }
    }
  } finally {
    bar.end()
  }
  return results
}

function beside(optimum: Optimum | undefined, result: SimulationResult): SimulationResult {
  return optimum === undefined ? result : withOptimum(result, optimum)
}

/** Real time that a slice should take: short enough to be told of, long enough not to cost anything. */
const [shortSliceMs, longSliceMs] = [20, 100]

/** In slices of simulated time, which change nothing in the result. */
async function run(world: World, policy: Policy, bar: ProgressBar): Promise<SimulationResult> {
  const simulation = createSimulation(world, policy)
  let sliceMs = 1000
  for (let at = 0; at < world.durationMs; ) {
    const startedAt = systemClock.now()
    at = Math.min(world.durationMs, at + sliceMs)
    simulation.advanceTo(at)
    const tookMs = systemClock.now() - startedAt
    if (tookMs < shortSliceMs) sliceMs *= 2
    else if (tookMs > longSliceMs) sliceMs /= 2
    bar.advance(at / world.durationMs, simulation.requests)
    await breathe()
  }
  return simulation.result()
}

async function readLand(): Promise<number[][]> {
  const file = bundledData('land.json')
  const text = await readFile(file, 'utf8').catch(cause => {
    throw unreadable(file, cause)
  })
  return JSON.parse(text) as number[][]
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(cause => {
    throw unwritable(folder, cause)
  })
}

/** @returns the paths, the report last */
async function writeAll(folder: string, results: readonly SimulationResult[], report: string): Promise<string[]> {
  const texts = new Map(results.map(result => [`${result.policy}-${result.seed}.json`, JSON.stringify(result)]))
  texts.set('report.html', report)
  const paths: string[] = []
  for (const [name, text] of texts) {
    const path = join(folder, name)
    await writeFile(path, text).catch(cause => {
      throw unwritable(path, cause)
    })
    paths.push(path)
  }
  return paths
}
