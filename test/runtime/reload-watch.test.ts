import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { watchFiles } from '../../src/runtime/reload-watch.ts'
import { createFakeClock, realClock } from '../support/clocks.ts'
import { createRecorder } from '../support/recorder.ts'

/** Far away: what is noticed is noticed by a notification. */
const never = 3_600_000

async function watching(t: Test, paths: readonly string[]) {
  const changes = createRecorder<string>()
  const watch = watchFiles(realClock, () => changes.note('changed'), { quietMs: 20, mostMs: 200, pollMs: never })
  t.teardown(() => watch.close())
  await watch.use(paths)
  return {
    watch,
    /** Does something and waits until it has been noticed. */
    async notices(change: () => void): Promise<void> {
      const count = changes.seen.length
      change()
      await changes.until(seen => seen.length > count)
    },
  }
}

t.test('a change is noticed however it is made', async t => {
  const directory = t.testdir({
    a: { file: 'one' },
    folder: { x: 'one' },
    releases: { 1: { file: 'one' }, 2: { file: 'two' } },
  })
  const file = join(directory, 'a/file')
  const folder = join(directory, 'folder')
  const link = join(directory, 'link')
  symlinkSync('a/file', link)
  const { notices } = await watching(t, [link, folder, join(directory, 'a/later')])
  const change = (what: string, action: () => void) => t.resolves(notices(action), what)
  await change('written in place', () => writeFileSync(file, 'two'))
  await change('replaced by a rename', () => {
    writeFileSync(`${file}.next`, 'three')
    renameSync(`${file}.next`, file)
  })
  await change('replaced once more', () => {
    writeFileSync(`${file}.next`, 'four')
    renameSync(`${file}.next`, file)
  })
  await change('a file that was not there', () => writeFileSync(join(directory, 'a/later'), 'x'))
  await change('removed', () => unlinkSync(join(directory, 'a/later')))
  await change('a new file in the folder', () => writeFileSync(join(folder, 'y'), 'x'))
  await change('a file of the folder, written to', () => writeFileSync(join(folder, 'x'), 'two'))
  await change('a link that leads elsewhere', () => {
    symlinkSync('releases/1/file', `${link}.next`)
    renameSync(`${link}.next`, link)
  })
  await change('what it leads to now', () => writeFileSync(join(directory, 'releases/1/file'), 'changed'))
  await change('the folder replaced whole', () => {
    renameSync(folder, `${folder}.old`)
    mkdirSync(folder)
  })
  await change('a file in the new folder', () => writeFileSync(join(folder, 'z'), 'x'))
  await change('the folder gone', () => rmSync(folder, { recursive: true }))
  await change('and back', () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'w'), 'x')
  })
})

t.test('without any notification the files are looked at now and then', async t => {
  const directory = t.testdir({ file: 'one' })
  const clock = createFakeClock()
  const changes = createRecorder<string>()
  // Notifications wait for a clock that only moves to the next look.
  const watch = watchFiles(clock, () => changes.note('changed'), { quietMs: never, mostMs: never, pollMs: 10_000 })
  t.teardown(() => watch.close())
  await watch.use([join(directory, 'missing/file'), join(directory, 'file')])
  writeFileSync(join(directory, 'file'), 'other')
  clock.advance(9_999)
  await watch.use([join(directory, 'missing/file'), join(directory, 'file')])
  t.equal(changes.seen.length, 0)
  clock.advance(1)
  await changes.until(seen => seen.length === 1)
  t.pass('noticed')
})

t.test('nothing is told after the end', async t => {
  const directory = t.testdir({ file: 'one' })
  const file = join(directory, 'file')
  const { notices } = await watching(t, [file])
  let changes = 0
  const closed = watchFiles(realClock, () => changes++, { quietMs: 1, mostMs: 1, pollMs: 1 })
  await closed.use([file])
  closed.close()
  await notices(() => writeFileSync(file, 'two'))
  t.equal(changes, 0)
})
