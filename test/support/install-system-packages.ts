/**
 * Makes sure that the programs which tests talk to are there, before the tests run. Instant when nothing is missing;
 * otherwise installs what is missing through apt-get where that is possible, or says in one sentence what to run.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian packages by the commands that tests start; any one of a row will do. */
const packages: readonly (readonly [name: string, ...commands: string[]])[] = [
  ['curl', 'curl'],
  ['mmdb-bin', 'mmdblookup'],
  ['redis-server', 'redis-server', 'valkey-server'],
]

const missing = packages.filter(([, ...commands]) => !commands.some(isOnPath)).map(([name]) => name)

if (missing.length > 0) install(missing)

function install(packages: readonly string[]): void {
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const byHand = `apt-get update && apt-get install -y ${packages.join(' ')}`
  if (!isOnPath('apt-get') || (prefix.length > 0 && !runs([...prefix, 'true']))) {
    stop(`The tests need ${packages.join(' and ')}: run, as root, \`${byHand}\` (or what your system has instead).`)
  }
  console.log(`Installing ${packages.join(' and ')} for the tests …`)
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq']
  if (!runs([...apt, 'update']) || !runs([...apt, 'install', '-y', ...packages])) {
    stop(`The tests need ${packages.join(' and ')}, which apt-get could not install: run, as root, \`${byHand}\`.`)
  }
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, command)))
}

function runs([command, ...args]: readonly string[]): boolean {
  return spawnSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
}

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}
