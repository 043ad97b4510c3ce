/** Tells whether a file is still the one that was read, without reading it again. */

import { stat } from 'node:fs/promises'

/** Differs as soon as the file is another one, or was written to; links are followed. `absent` where there is none. */
export async function fileState(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch {
    return 'absent'
  }
}
