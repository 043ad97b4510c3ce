#!/usr/bin/env node
/**
 * The `meridian` command. Looks at the Node.js it runs under and only then loads the program, which an old one could not
 * even parse.
 */

import { nodeTooOldExitCode, nodeVersionFault } from './node-version.ts'

const fault = nodeVersionFault(process.versions.node)
if (fault === undefined) {
  import('./main.ts').then(({ main }) => main())
} else {
  process.stderr.write(`${fault}\n`)
  process.exitCode = nodeTooOldExitCode
}
