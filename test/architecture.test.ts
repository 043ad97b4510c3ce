/**
 * The house rules that a machine can keep: imports only go down the floors, one vendor has one file, and nobody below
 * the runtime reaches for the clock or for chance.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import t from 'tap'

const root = resolve(import.meta.dirname, '..')
const src = join(root, 'src')

/** From the ground up. Rooms on one floor do not import each other, but for the pairs in `neighbours`. */
const floors: readonly (readonly string[])[] = [
  ['errors', 'schema', 'clock', 'paths'],
  ['geo'],
  ['regions'],
  ['config'],
  ['routing'],
  ['health', 'dns', 'edge', 'observe', 'sim'],
  ['control'],
  ['runtime'],
  ['cli'],
]
const neighbours = new Set(['sim -> health', 'schema -> errors', 'cli -> agent'])
/** Rooms beside the tower: the only rooms that they may use. The command line starts the agent. */
const annexes: Readonly<Record<string, readonly string[]>> = {
  agent: ['errors', 'schema', 'clock', 'config', 'regions'],
  web: [],
}
const oneFileVendors = ['ioredis', 'maxmind', 'geolib', 'prom-client', 'highs']
const mayReachForTheClock = /^src\/(runtime|cli|agent|web)\//

interface Import {
  readonly from: string
  readonly specifier: string
}

const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
  .map(entry => relative(root, join(entry.parentPath, entry.name)))
  .sort()

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const { module, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  const specifiers = [
    ...module.staticImports.map(i => i.moduleRequest.value),
    ...module.staticExports.flatMap(e => e.entries.flatMap(entry => entry.moduleRequest?.value ?? [])),
    ...module.dynamicImports.map(i =>
      text.slice(i.moduleRequest.start, i.moduleRequest.end).replace(/^['"`]|['"`]$/g, ''),
    ),
    // `import('…').Type` in a type position is no module record.
    ...[...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(match => match[1]!),
  ]
  return [...new Set(specifiers)].map(specifier => ({ from: file, specifier }))
}

const imports = files.flatMap(importsOf)

function roomOf(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '')
}

function floorOf(room: string): number {
  return floors.findIndex(rooms => rooms.includes(room))
}

function mayImport(from: string, to: string): boolean {
  if (from === to || neighbours.has(`${from} -> ${to}`)) return true
  if (from in annexes) return annexes[from]!.includes(to)
  return floorOf(to) >= 0 && floorOf(to) < floorOf(from)
}

t.test('every room stands on a floor', async t => {
  for (const room of new Set(files.map(roomOf))) {
    t.ok(floorOf(room) >= 0 || room in annexes, `${room} is known to the plan of the house`)
  }
})

t.test('imports only go down, or stay in their room', async t => {
  const wrong = imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ from, specifier }) => ({ from, to: relative(root, resolve(root, dirname(from), specifier)) }))
    .filter(({ from, to }) => !mayImport(roomOf(from), roomOf(to)))
  t.same(wrong, [])
})

t.test('no two files import each other in a circle', async t => {
  const graph = new Map<string, string[]>()
  for (const { from, specifier } of imports) {
    if (!specifier.startsWith('.')) continue
    graph.set(from, [...(graph.get(from) ?? []), relative(root, resolve(root, dirname(from), specifier))])
  }
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  t.same(circles, [])
})

t.test('one vendor, one file', async t => {
  for (const vendor of oneFileVendors) {
    const users = imports.filter(({ specifier }) => specifier === vendor).map(({ from }) => from)
    t.ok(users.length <= 1, `${vendor} is imported in at most one file: ${users.join(', ')}`)
  }
})

t.test('every package that is imported is declared, and every dependency is imported', async t => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const packages = new Set(
    imports
      .map(({ specifier }) => specifier)
      .filter(specifier => !specifier.startsWith('.') && !specifier.startsWith('node:') && /^[@a-z]/.test(specifier))
      .map(specifier =>
        specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
  )
  t.same([...packages].sort(), Object.keys(manifest.dependencies).sort())
})

t.test('time and chance are arguments below the runtime', async t => {
  const reaches =
    // The silence of a socket is its own to tell.
    /\b(Date\.now\(|Math\.random\(|performance\.now\(|new Date\(\)|(?<!socket\.)setTimeout\(|setInterval\(|process\.hrtime)/
  const wrong = files
    .filter(file => !mayReachForTheClock.test(file))
    .flatMap(file =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .map((line, index) => ({ line: line.trim(), place: `${file}:${index + 1}` }))
        .filter(({ line }) => reaches.test(line) && !/^(\*|\/\/)/.test(line)),
    )
  t.same(wrong, [])
})
