/** The commands that need no router, and what all of them have in common; each run as a user would. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { errorCatalogue } from '../../src/errors.ts'
import { runMeridian, startMeridianCommand } from '../support/run-meridian.ts'

t.test('without a command, help; with a wrong one, the near one', async t => {
  const bare = await runMeridian([])
  t.equal(bare.exitCode, 0)
  t.match(bare.stdout, /^Usage: meridian/)
  t.match(bare.stdout, /^Exit codes:$/m)
  for (const command of ['serve', 'demo', 'explain', 'regions', 'fleet', 'geo', 'check', 'tokens', 'version']) {
    t.match(bare.stdout, new RegExp(`^  ${command} `, 'm'))
  }
  const wrong = await runMeridian(['explian', '1.2.3.4'])
  t.match(wrong, {
    exitCode: 64,
    stdout: '',
    stderr: /^meridian: unknown command 'explian'\n\(Did you mean explain\?\)\n\(see meridian --help\)\n$/,
  })
  const help = await runMeridian(['geo', 'lookup', '--help'])
  t.match(help, { exitCode: 0, stdout: /Usage: meridian geo lookup/, stderr: '' })
})

t.test('mistakes on the command line are one line on standard error, and exit code 64', async t => {
  for (const [args, message] of [
    [['explain'], /missing required argument 'ip'\n\(see meridian explain --help\)\n$/],
    [['regions', 'drain'], /\(see meridian regions drain --help\)\n$/],
    [['explain', '1.2.3'], /expected an IPv4 or IPv6 address, not "1\.2\.3"/],
    [['explain', '1.2.3.4', '--control', 'localhost:8081'], /Expected a URL/],
    [['explain', '1.2.3.4', '--header', 'x-model'], /Expected "name: value"/],
    [['explain', '1.2.3.4', '--header', 'Authorization: Bearer x'], /use --token/],
    [['geo', 'lookup', 'nowhere'], /expected an IPv4 or IPv6 address/],
    [['version', '--jsonn'], /unknown option '--jsonn'/],
    [['tokens', 'create', 'a b', '--offline'], /name: expected a name.*not "a b"/],
    [['tokens', 'create', 'ci', '--rights', 'everything'], /rights\[0\]: expected one of "read", "report", "operator"/],
    [['demo', '--http-port', '70000'], /Expected a port/],
  ] as const) {
    const { exitCode, stdout, stderr } = await runMeridian(args)
    t.match({ exitCode, stdout }, { exitCode: 64, stdout: '' }, args.join(' '))
    t.match(stderr, message)
    t.match(stderr, /^meridian: /)
    t.notMatch(stderr, /\n +at /, 'no stack')
  }
})

t.test('a stack is shown to whoever asks for it', async t => {
  for (const result of [
    await runMeridian(['--debug', 'geo', 'lookup', 'nowhere']),
    await runMeridian(['geo', 'lookup', 'nowhere', '--debug']),
    await runMeridian(['geo', 'lookup', 'nowhere'], { env: { MERIDIAN_DEBUG: '1' } }),
  ]) {
    t.match(result, { exitCode: 64, stderr: /MeridianError: [\s\S]*\n +at / })
  }
})

t.test('every exit code is explained, in the help as in the documentation', async t => {
  const documentation = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const { stdout } = await runMeridian(['--help'])
  const explained = (text: string, row: RegExp) => [...text.matchAll(row)].map(match => `${match[1]} ${match[2]}`)
  const inHelp = explained(stdout.split('Exit codes:')[1]!, /^ +(\d+) {2}(.*)$/gm)
  t.same(explained(documentation.replaceAll('`', ''), /^\| (\d+) \| (.*) \|$/gm), inHelp)
  for (const [code, { exit }] of Object.entries(errorCatalogue)) {
    t.ok(
      inHelp.some(line => line.startsWith(`${exit} `)),
      `${code}: ${exit}`,
    )
  }
})

t.test('version, for people and for scripts', async t => {
  const { stdout } = await runMeridian(['version', '--json'])
  const facts = JSON.parse(stdout)
  t.match(facts, { version: /^\d+\.\d+\.\d+$/, node: process.versions.node })
  t.match((await runMeridian(['version'])).stdout, new RegExp(`^meridian +${facts.version}\n`))
  t.equal((await runMeridian(['--version'])).stdout, `${facts.version}\n`)
})

t.test('a token is random, and its entry is what the configuration wants', async t => {
  const [first, second] = await Promise.all(
    [1, 2].map(() => runMeridian(['tokens', 'create', 'ci', '--offline', '--json'])),
  )
  const { token, entry } = JSON.parse(first!.stdout)
  t.not(JSON.parse(second!.stdout).token, token)
  t.match(token, /^[A-Za-z0-9._~+/-]{40,}$/, 'fits into a header')
  t.equal(entry.sha256, createHash('sha256').update(token).digest('hex'))
  const text = (await runMeridian(['tokens', 'create', 'ci', '--rights', 'read,operator', '--offline'])).stdout
  const lines = text.split('\n')
  const yaml = `control:\n  tokens:\n    ${lines.find(line => line.startsWith('- '))}`
  const [read] = parseConfig(yaml, undefined, {}).control.tokens
  t.match(read, { name: 'ci', rights: ['read', 'operator'] })
  t.equal(read!.sha256, createHash('sha256').update(lines[1]!).digest('hex'))
})

t.test('a reader that leaves early is no fault', async t => {
  const command = startMeridianCommand(['--help'])
  command.process.stdout!.destroy()
  t.match(await command.result, { exitCode: 0, stderr: '' })
})
