/** `meridian version`: what is running here, for a report of a fault. */

import { Command } from 'commander'
import { version } from '../runtime/version.ts'
import { renderFacts } from './table.ts'
import type { Terminal } from './terminal.ts'

export function versionCommand({ print, paint }: Terminal): Command {
  return new Command('version')
    .description('print the versions of Meridian and what it runs on')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const facts = { version, node: process.versions.node, platform: `${process.platform} ${process.arch}` }
      if (json) return print(JSON.stringify(facts))
      print(
        ...renderFacts(
          [
            ['meridian', facts.version],
            ['node', facts.node],
            ['platform', facts.platform],
          ],
          paint,
        ),
      )
    })
}
