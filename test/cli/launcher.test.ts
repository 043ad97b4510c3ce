/** `bin/meridian`, started as a service manager would: what it starts is the program, not something in between. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'

const project = fileURLToPath(new URL('../../', import.meta.url))

/** A folder like a clone's, whose build is the sources themselves; its launcher is called through a link. */
function clone(t: Test, { built }: { readonly built: boolean }): { readonly link: string; readonly folder: string } {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'bin'))
  cpSync(join(project, 'bin/meridian'), join(folder, 'bin/meridian'))
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
  if (built) {
    mkdirSync(join(folder, 'dist/cli'), { recursive: true })
    const source = pathToFileURL(join(project, 'src/cli/meridian.ts')).href
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'dist/cli/meridian.js'), `console.log('pid', process.pid)\nimport('${source}')\n`)
  }
  const link = join(folder, 'meridian-link')
  symlinkSync(join(folder, 'bin/meridian'), link)
  return { link, folder }
}

/** Nothing of what npx and the test runner put there: a machine that has no Node.js. */
const PATH = '/usr/bin:/bin'

t.test('is the program itself: the signals of whoever started it arrive', async t => {
  const { link, folder } = clone(t, { built: true })
  const env = { PATH, HOME: folder, MERIDIAN_HTTP__PORT: '0', MERIDIAN_CONTROL__LISTEN__PORT: '0' }
  const child = spawn(link, ['serve'], { cwd: '/', env: { ...env, MERIDIAN_LOG__LEVEL: 'info' } })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  const until = (isThere: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => void (isThere() && resolve())
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.once('close', () => reject(new Error(`ended early: ${stdout}${stderr}`)))
      look()
    })
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  const closed = once(child, 'close')

  await until(() => stderr.includes('serves clients on'))
  t.match(stdout, `pid ${child.pid}\n`, 'its own process id')
  child.kill('SIGHUP')
  await until(() => /"msg":"reload/.test(stdout))
  t.pass('SIGHUP reloads')
  child.kill('SIGTERM')
  t.same(await closed, [0, null], 'and SIGTERM lets it finish')
  t.match(stderr, 'meridian: stopped')
})

t.test('a clone that was never built says what to do', async t => {
  const { link, folder } = clone(t, { built: false })
  const child = spawn(link, ['version'], { env: { PATH, HOME: folder } })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  t.same(await once(child, 'close'), [70, null])
  t.match(stderr, /^meridian: there is no .*dist\/cli\/meridian\.js: run npm ci in /)
})
