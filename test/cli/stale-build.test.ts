import { utimesSync } from 'node:fs'
import t from 'tap'
import { staleBuildWarning } from '../../src/cli/stale-build.ts'

t.test('sources that are newer than what was built from them are noticed', async t => {
  const folder = t.testdir({
    src: { 'a.ts': '', cli: { 'b.ts': '', 'notes.txt': '' } },
    dist: { cli: { 'meridian.js': '' } },
  })
  const touch = (file: string, seconds: number) => utimesSync(`${folder}/${file}`, seconds, seconds)
  touch('dist/cli/meridian.js', 2_000)
  for (const file of ['src/a.ts', 'src/cli/b.ts']) touch(file, 1_000)
  touch('src/cli/notes.txt', 3_000)
  t.equal(staleBuildWarning(folder), undefined)
  touch('src/cli/b.ts', 2_001)
  t.match(staleBuildWarning(folder), /^src\/cli\/b\.ts is newer than .*: run npm run build$/)
})

t.test('without sources, or without a build, there is nothing to tell', async t => {
  t.equal(staleBuildWarning(t.testdir({ dist: { cli: { 'meridian.js': '' } } })), undefined)
  t.equal(staleBuildWarning(t.testdir({ src: { 'a.ts': '' } })), undefined)
})
