/** Version of the program, from its package. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageDirectory } from '../paths.ts'

const manifest = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8')) as { version: string }

export const version = manifest.version
