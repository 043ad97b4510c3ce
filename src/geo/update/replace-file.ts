/** Puts a finished file in the place of another one, so that every reader finds the old one or the new one, whole. */

import { chmod, open, rename, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Both must be on one file system. The new file takes over the permissions of the old one.
 *
 * @param finished written and synced
 * @param modifiedAt its time of modification from now on; undefined: as it is
 */
export async function replaceFile(finished: string, target: string, modifiedAt: Date | undefined): Promise<void> {
  const old = await stat(target).catch(() => undefined)
  if (old !== undefined) await chmod(finished, old.mode & 0o777)
  if (modifiedAt !== undefined) await utimes(finished, modifiedAt, modifiedAt)
  await rename(finished, target)
  // Only then would a loss of power not bring the old name back.
  const folder = await open(dirname(target), 'r')
  await folder.sync().finally(() => folder.close())
}
