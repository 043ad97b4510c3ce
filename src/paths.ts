/** Files that come with the program. The same from `src/` and from the built `dist/`. */

import { fileURLToPath } from 'node:url'

const packageRoot = new URL('../', import.meta.url)

/** Absolute path of a file in `data/`. */
export function bundledData(name: string): string {
  return fileURLToPath(new URL(`data/${name}`, packageRoot))
}

/** Absolute path of the package's own folder, with a trailing slash. */
export const packageDirectory = fileURLToPath(packageRoot)
