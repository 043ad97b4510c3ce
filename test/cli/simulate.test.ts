/** `meridian simulate`, as a user runs it, on a world of one minute. */

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parseSimulateOptions } from '../../src/cli/simulate-options.ts'
import { createProgressBar, progressLine } from '../../src/cli/simulate-progress.ts'
import { policyNames } from '../../src/sim/policies/policies.ts'
import type { SimulationResult } from '../../src/sim/result.ts'
import { exampleRegion } from '../support/example-region.ts'
import { runMeridian } from '../support/run-meridian.ts'

const scenario = `
name: small
duration: 60s
seed: 7
routers: { count: 2 }
regions: { directory: fleet }
clients: { cities: [London, Tokyo] }
load: { ofCapacity: 0.7, service: { constant: 1s } }
events:
  - { at: 20s, until: 40s, city: London, demand: 1.5 }
  - { at: 30s, until: 40s, router: 2, cutOff: true }
`
const fleet = {
  'edge-fra.json': JSON.stringify(exampleRegion('edge-fra', { capacityRequests: 20 })),
  'edge-nrt.json': JSON.stringify(
    exampleRegion('edge-nrt', { capacityRequests: 20, coordinates: { latitude: 35.8, longitude: 140.4 } }),
  ),
}

function read(file: string): SimulationResult {
  return JSON.parse(readFileSync(file, 'utf8'))
}

t.test('writes one result for each policy and seed, and a report of all of them', async t => {
  const folder = t.testdir({ 'small.yaml': scenario, fleet })
  const out = `${folder}/new/results`
  const { exitCode, stdout, stderr } = await runMeridian(
    ['simulate', `${folder}/small.yaml`, '--policy', 'meridian,nearest', '--seed', '1,2', '--out', out],
    { cwd: folder },
  )
  t.equal(exitCode, 0, stderr)
  t.equal(stderr, '', 'no progress where nobody sees it')
  const names = ['meridian-1.json', 'meridian-2.json', 'nearest-1.json', 'nearest-2.json']
  t.same(readdirSync(out).sort(), [...names, 'report.html'])
  const results = names.map(name => read(`${out}/${name}`))
  t.match(results[1], { scenario: 'small', policy: 'meridian', seed: 2, routers: 2, durationSeconds: 60 })
  t.ok(
    results.every(({ totals, optimum }) => totals.served > 1000 && optimum !== undefined && totals.overOptimum! > -1),
  )
  t.not(results[0]!.totals.meanRttMs, results[1]!.totals.meanRttMs, 'seeds differ')
  const html = readFileSync(`${out}/report.html`, 'utf8')
  const inside = /<script type="application\/json" id="results">(.*)<\/script>/.exec(html)![1]!
  t.same(JSON.parse(inside), results, 'the numbers in the report are those of the files')
  t.match(stdout, /^policy +over optimum .*\nmeridian .*\nnearest .*\nMedians over 2 seeds/)
  t.match(stdout, new RegExp(`\n${out}/report\\.html\n$`))
})

t.test('without seed or policy: those of the scenario, and Meridian; the same every time', async t => {
  const folder = t.testdir({ 'small.yaml': scenario, fleet })
  const run = (out: string, ...more: string[]) =>
    runMeridian(['simulate', `${folder}/small.yaml`, '--out', `${folder}/${out}`, '--json', ...more])
  const [first, second, one] = await Promise.all([run('a'), run('b'), run('c', '--routers', '3')])
  t.equal(first.stdout, second.stdout)
  const [{ totals, ...told }] = JSON.parse(first.stdout)
  t.same(told, { scenario: 'small', policy: 'meridian', seed: 7, routers: 2 })
  t.same(totals, read(`${folder}/a/meridian-7.json`).totals)
  t.equal(JSON.parse(one.stdout)[0].routers, 3)
})

t.test('what is wrong is told before anything is run', async t => {
  const folder = t.testdir({
    'small.yaml': scenario,
    'broken.yaml': scenario.replace('cities: [London, Tokyo]', 'cities: [Lodnon]').replace('seed: 7', 'colour: red'),
    taken: 'a file',
    fleet,
  })
  const small = `${folder}/small.yaml`
  const cases = [
    [[small], 64, /^meridian: required option '-o, --out <folder>' not specified\n\(see meridian simulate --help\)\n$/],
    [['--out', folder], 64, /missing required argument 'scenario'/],
    [
      [small, '--out', folder, '--policy', 'fastest,nearest', '--seed', 'x', '--routers', '0'],
      64,
      /--policy: expected all or some of meridian, nearest, .*, not "fastest"\n.*--seed: expected .* not "x"\n.*--routers: /,
    ],
    [[small, '--out', folder, '--routers', '1'], 64, /--routers: expected at least 2, since the scenario cuts off/],
    [[`${folder}/broken.yaml`, '--out', folder], 65, /colour: unknown key.*\n.*clients\.cities\[0\]: .*Lodnon/],
    [[`${folder}/none.yaml`, '--out', folder], 66, /cannot read .*none\.yaml: no such file/],
    [[small, '--out', `${folder}/taken`], 73, /cannot write .*taken: it is a file, not a folder/],
    [[small, '--out', `${folder}/taken/within`], 73, /cannot write .*within: a part of the path is a file/],
  ] as const
  const results = await Promise.all(cases.map(([args]) => runMeridian(['simulate', ...args])))
  for (const [index, [args, exitCode, message]] of cases.entries()) {
    const result = results[index]!
    t.match({ exitCode: result.exitCode, stdout: result.stdout }, { exitCode, stdout: '' }, args.join(' '))
    t.match(result.stderr, message)
  }
})

t.test('options, each value once', async t => {
  const out = 'x'
  for (const [options, expected] of [
    [{ policy: 'meridian' }, { policies: ['meridian'], seeds: undefined, routers: undefined }],
    [
      { policy: 'all', seed: '3, 1,3', routers: '16' },
      { policies: policyNames, seeds: [3, 1], routers: 16 },
    ],
    [
      { policy: 'linear,linear', seed: '0' },
      { policies: ['linear'], seeds: [0], routers: undefined },
    ],
  ] as const)
    t.same(parseSimulateOptions({ out, ...options }), expected)
  for (const options of [
    { policy: '' },
    { policy: 'meridian,' },
    { policy: 'meridian', seed: '-1' },
    { policy: 'meridian', seed: '1.5' },
    { policy: 'meridian', seed: '4294967296' },
    { policy: 'meridian', routers: '257' },
  ])
    t.throws(() => parseSimulateOptions({ out, ...options }), { code: 'REQUEST_INVALID' }, JSON.stringify(options))
})

t.test('progress is one line, drawn now and then', async t => {
  t.equal(
    progressLine({ done: 0.25, label: 'meridian, seed 1', elapsedMs: 5_000, requestsPerSecond: 281_000 }),
    '██████░░░░░░░░░░░░░░░░░░  25 %  meridian, seed 1  281 k requests/s  15 s left',
  )
  t.match(progressLine({ done: 0.01, label: '', elapsedMs: 9_000, requestsPerSecond: 0 }), /15 min left$/)
  const lines: string[] = []
  let now = 0
  const bar = createProgressBar({ status: line => lines.push(line) }, { now: () => now }, 2)
  bar.begin('a')
  now = 1000
  bar.advance(0.5, 20_000)
  now = 1050
  bar.advance(0.6, 24_000)
  now = 2000
  bar.begin('b')
  now = 3000
  bar.advance(0.5, 5_000)
  bar.end()
  t.match(lines, [
    / 25 % {2}a \(1 of 2\) {2}20 k requests\/s {2}3 s left/,
    / 75 % {2}b \(2 of 2\) {2}5\.0 k .* 1 s left/,
    '',
  ])
  t.equal(lines.length, 3)
})
