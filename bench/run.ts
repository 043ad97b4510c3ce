/**
 * Side-by-side benchmarks: `npm run bench -- NAME [--json FILE]`; `gate` also takes `--quick` and `--html FILE`.
 *
 * Each benchmark is a file here; its figures are ratios or rates that `docs/benchmarks.md` speaks of. Machines are noisy:
 * what is compared runs in turn in one go, and the median counts.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Figures } from './figures.ts'

interface Options {
  readonly quick?: boolean | undefined
  readonly html?: string | undefined
}

const benchmarks: Readonly<Record<string, (options: Options) => Promise<Figures>>> = {
  decision: async () => (await import('./decision.ts')).measure(),
  gate: async options => (await import('./gate.ts')).measure(options),
  routing: async () => (await import('./routing.ts')).measure(),
  store: async () => (await import('./store.ts')).measure(),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, html: { type: 'string' }, quick: { type: 'boolean' } },
})
const { json, ...options } = values
const [name = ''] = positionals
const run = benchmarks[name]
if (run === undefined || positionals.length !== 1 || (name !== 'gate' && Object.keys(options).length > 0)) {
  console.error(
    `usage: npm run bench -- ${Object.keys(benchmarks).join('|')} [--json FILE]; gate: [--quick] [--html FILE]`,
  )
  process.exit(64)
}
const figures = await run(options)
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ figures }, null, 2)}\n`)
