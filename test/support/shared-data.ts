/** Development data beside the repository, which is never part of it: tests that read it say when they cannot. */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** MaxMind's test databases, with `bad/` below. */
export const maxmindData = resolve(import.meta.dirname, '../../../shared/data/maxmind')

/** For `t.test(name, { skip }, …)`: false, or why the test cannot run. */
export const skipWithoutMaxmindData = existsSync(maxmindData) ? false : `${maxmindData} is absent`

/** Round trips between cloud regions, and arrivals. */
export const azureData = resolve(import.meta.dirname, '../../../shared/data/azure')
export const skipWithoutAzureData = existsSync(azureData) ? false : `${azureData} is absent`
