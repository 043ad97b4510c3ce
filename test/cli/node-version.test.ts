import { readFileSync } from 'node:fs'
import t from 'tap'
import { leastNodeVersion, nodeTooOldExitCode, nodeVersionFault } from '../../src/cli/node-version.ts'
import { errorCatalogue } from '../../src/errors.ts'

t.test('a Node.js is new enough from the declared version on', async t => {
  for (const [version, isEnough] of [
    ['22.19.0', true],
    ['22.19.0-nightly20250101', true],
    ['22.20.1', true],
    ['24.0.0', true],
    ['100.1.2', true],
    ['22.18.9', false],
    ['22.2.0', false],
    ['20.20.2', false],
    ['4.9.1', false],
    ['0.12.18', false],
  ] as const) {
    t.equal(nodeVersionFault(version) === undefined, isEnough, version)
  }
})

t.test('one that is too old is told so in one sentence, with both versions', async t => {
  const fault = nodeVersionFault('20.20.2')!
  t.match(fault, /needs Node\.js 22\.19 or later and was started under 20\.20\.2/)
  t.notMatch(fault, /\n/)
})

t.test('says the same as the package and the catalogue of errors', async t => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  t.equal(manifest.engines.node, `>=${leastNodeVersion}`)
  t.equal(nodeTooOldExitCode, errorCatalogue.NODE_TOO_OLD.exit)
})

t.test('the launcher imports statically nothing that an old Node.js could not read', async t => {
  const read = (file: string) => readFileSync(new URL(`../../src/cli/${file}`, import.meta.url), 'utf8')
  const imported = [...read('meridian.ts').matchAll(/^import .* from '(.*)'$/gm)].map(match => match[1])
  t.same(imported, ['./node-version.ts'])
  t.notMatch(read('node-version.ts'), /^import /m)
})
