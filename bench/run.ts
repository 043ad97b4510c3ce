/**
 * Side-by-side benchmarks: `npm run bench -- NAME [--json FILE]`.
 *
 * Each benchmark is a file here; its figures are ratios or rates that `docs/benchmarks.md` speaks of. Machines are noisy:
 * what is compared runs in turn in one go, and the median counts.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Figures } from './figures.ts'

const benchmarks: Readonly<Record<string, () => Promise<Figures>>> = {
  decision: async () => (await import('./decision.ts')).measure(),
  routing: async () => (await import('./routing.ts')).measure(),
  store: async () => (await import('./store.ts')).measure(),
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
const run = benchmarks[positionals[0] ?? '']
if (run === undefined || positionals.length !== 1) {
  console.error(`usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [--json FILE]`)
  process.exit(64)
}
const figures = await run()
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ figures }, null, 2)}\n`)
