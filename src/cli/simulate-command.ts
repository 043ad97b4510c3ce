/** The command line of `meridian simulate`. */

import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function simulateCommand(terminal: Terminal): Command {
  return new Command('simulate')
    .description('run a scenario in a simulated world and draw a report')
    .argument('<scenario>', 'scenario file (YAML)')
    .requiredOption('-o, --out <folder>', 'folder for the results (<policy>-<seed>.json) and report.html')
    .option('--policy <names>', 'policies to compare, separated by commas, or all', 'meridian')
    .option('--seed <numbers>', 'seeds, separated by commas; by default that of the scenario')
    .option('--routers <number>', 'so many routers instead of those of the scenario')
    .option('--json', 'print the totals as JSON')
    .action(async (file, options) => (await import('./simulate.ts')).simulateScenario(file, options, terminal))
}
