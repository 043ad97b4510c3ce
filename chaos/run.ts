/**
 * Faults by chance on a fleet of real processes: `npm run chaos -- [--seed N] [--seconds N] [--away N] [--lease N]
 * [--report FILE]`. The seed decides the order of the faults, whom they strike and the pauses between them; `docs/chaos.md` says
 * what is measured. Ends with 1 when a client request failed or something was lost.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { takeStopSignal } from '../src/cli/stop-signals.ts'
import type { Random } from '../src/clock.ts'
import { type Fault, faults, loseRedis } from '../test/integration/faults.ts'
import { type Owner, startTrialFleet } from '../test/integration/fleet.ts'
import { startTraffic } from '../test/integration/traffic.ts'
import { type Outcome, runFault } from '../test/integration/trial.ts'
import { untilWhole } from '../test/integration/views.ts'
import { randomInteger, seededRandom } from '../test/support/seeded-random.ts'
import { type ChaosReport, isClean, markdownOf } from './report.ts'

interface Settings {
  readonly seed: number
  readonly seconds: number
  readonly awaySeconds: number
  readonly leaseSeconds: number
  readonly reportFile: string | undefined
}

/** Between two faults, at most. */
const longestPauseMs = 2_000

const settings = readSettings()
const outcomes: Outcome[] = []
const owner = createOwner()
const signal = takeStopSignal()
let ending = 'the time was up'
try {
  await Promise.race([signal.then(name => Promise.reject(new Error(`stopped by ${name}`))), runTrials(settings)])
} catch (error) {
  ending = (error as Error).message
} finally {
  await owner.stop()
}
const { reportFile, ...asked } = settings
const report: ChaosReport = { ...asked, ending, outcomes }
console.log(`\n${markdownOf(report)}`)
if (reportFile !== undefined) {
  writeFileSync(reportFile, reportFile.endsWith('.json') ? `${JSON.stringify(report, null, 2)}\n` : markdownOf(report))
}
// A fault that was interrupted may still be waiting; nothing of it runs any more.
process.exit(isClean(report) && ending === 'the time was up' ? 0 : 1)

/** Rounds of all faults, each in an order of its own, until the time is up. */
async function runTrials({ seed, seconds, awaySeconds, leaseSeconds }: Settings): Promise<void> {
  const leaseMs = leaseSeconds * 1000
  const random = seededRandom(seed)
  console.log(`starting one Redis, two routers and a dozen agents; seed ${seed}, lease ${leaseSeconds} s`)
  const fleet = await startTrialFleet(owner, leaseMs)
  await untilWhole(fleet)
  // Clients draw from a source of their own: how many they are is up to the machine, and must not change the faults.
  const traffic = startTraffic(owner, fleet, seededRandom(seed + 1))
  const trial = { fleet, traffic, random, awayMs: 1.5 * leaseMs }
  const run = async (name: string, fault: Fault): Promise<void> => {
    try {
      note(await runFault(name, fault, trial))
    } catch (error) {
      for (const { name: router, log } of fleet.routers) console.log(`\nThe last words of ${router}:\n${tailOf(log())}`)
      throw new Error(`${name}: ${(error as Error).message}`)
    }
  }
  const endsAt = performance.now() + seconds * 1000
  while (performance.now() < endsAt) {
    for (const [name, fault] of shuffled(Object.entries(faults), random)) {
      await new Promise(resolve => setTimeout(resolve, random() * longestPauseMs))
      if (performance.now() >= endsAt) break
      await run(name, fault)
    }
  }
  if (awaySeconds > 0) {
    console.log(`Redis goes away for ${awaySeconds} s`)
    await run(`Redis is away for ${awaySeconds} s`, each => loseRedis(each, awaySeconds * 1000))
  }
}

function note(outcome: Outcome): void {
  outcomes.push(outcome)
  const { fault, tookMs, requests, failedRequests, broken, writes } = outcome
  console.log(`${fault}: ${(tookMs / 1000).toFixed(1)} s, ${requests} requests, ${failedRequests.length} failed`)
  for (const line of [...failedRequests, ...broken, ...(writes?.wrong ?? [])]) console.log(`  ${line}`)
}

function tailOf(log: string): string {
  return log.trimEnd().split('\n').slice(-15).join('\n')
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(randomInteger(random, left.length), 1)[0]!)
}

/** Stops in the opposite order, and goes on where one thing cannot be stopped. */
function createOwner(): Owner & { stop(): Promise<void> } {
  const stops: (() => Promise<void>)[] = []
  return {
    teardown: stop => void stops.push(stop),
    async stop() {
      for (const stop of stops.splice(0).reverse()) await stop().catch((error: Error) => console.error(error.message))
    },
  }
}

function readSettings(): Settings {
  const usage = 'usage: npm run chaos -- [--seed N] [--seconds N] [--away SECONDS] [--lease SECONDS] [--report FILE]'
  try {
    const text = { type: 'string' } as const
    const options = { seed: text, seconds: text, away: text, lease: text, report: text }
    const { values } = parseArgs({ options })
    return {
      seed: wholeNumber('--seed', values.seed ?? '1', 0, 2 ** 32 - 1),
      seconds: wholeNumber('--seconds', values.seconds ?? '120', 1, 86_400),
      awaySeconds: wholeNumber('--away', values.away ?? '0', 0, 86_400),
      leaseSeconds: wholeNumber('--lease', values.lease ?? '3', 2, 60),
      reportFile: values.report,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(64)
  }
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(`${option}: expected a whole number from ${least} to ${most}, not ${text}`)
}
