/** The command line as a whole: its commands, what is the same for all of them, and how it words its own mistakes. */

import { Command } from 'commander'
import { version } from '../runtime/version.ts'
import { agentCommand } from './agent-command.ts'
import { auditCommand } from './audit-command.ts'
import { checkCommand } from './check-command.ts'
import { demoCommand } from './demo-command.ts'
import { explainCommand } from './explain-command.ts'
import { fleetCommand } from './fleet-command.ts'
import { geoCommand } from './geo-command.ts'
import { regionsCommand } from './regions-command.ts'
import { serveCommand } from './serve-command.ts'
import { simulateCommand } from './simulate-command.ts'
import type { Terminal } from './terminal.ts'
import { tokensCommand } from './tokens-command.ts'
import { versionCommand } from './version-command.ts'

const exitCodes = `
Exit codes:
   0  done
   1  nothing is known of what was asked for (geo lookup)
  64  the command line is wrong: an option, an argument, an address
  65  a file or a request holds wrong data
  66  a file or a region does not exist
  69  the router, or a server for downloads, cannot be reached
  70  a fault of Meridian itself, or a Node.js that is too old
  71  a port cannot be opened
  73  a file or a folder cannot be written
  75  not now: too many requests, or a region that is not empty in time
  77  not allowed: no token, a wrong one, or one without the right
  78  the configuration is wrong`

const helpWidth = 100

/** Parses nothing yet; throws CommanderError where the command line asks for help or cannot be understood. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('meridian')
    .description('Geo-aware global traffic router: from a client address to the best region.')
    .version(version, '-V, --version', 'print the version')
    .option('--debug', 'show where a fault happened (also with MERIDIAN_DEBUG=1)')
    .addHelpText('after', exitCodes)

  const groups = {
    'Run a router:': [serveCommand(terminal), checkCommand(terminal), tokensCommand(terminal), demoCommand(terminal)],
    'Run a region:': [agentCommand(terminal)],
    'Ask a running router:': [
      explainCommand(terminal),
      regionsCommand(terminal),
      fleetCommand(terminal),
      auditCommand(terminal),
    ],
    'Try things out:': [simulateCommand(terminal)],
    'Look things up:': [geoCommand(terminal), versionCommand(terminal)],
  }
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(command.helpGroup(heading))
    program.commandsGroup(heading)
  }
  program.helpCommand('help [command]', 'show help for a command')
  for (const command of [program, ...program.commands.flatMap(child => [child, ...child.commands])]) {
    speakAs(command, terminal)
  }
  return program
}

function speakAs(command: Command, { paint }: Terminal): void {
  const path = command.parent?.parent ? `${command.parent.name()} ${command.name()}` : command.name()
  command
    .exitOverride()
    .showHelpAfterError(`(see meridian${command.parent ? ` ${path}` : ''} --help)`)
    .helpOption('-h, --help', 'show help')
    .configureHelp({ styleTitle: title => paint('bold', title), styleCommandText: text => paint('cyan', text) })
    .configureOutput({
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
      outputError: (text, write) => write(text.replace(/^error: /, 'meridian: ')),
    })
}
