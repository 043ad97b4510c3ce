/** CPU and memory, from files as Linux has them in several set-ups, and from this very machine. */

import { existsSync } from 'node:fs'
import t from 'tap'
import { createHostLoad } from '../../src/agent/host-load.ts'
import { machine } from '../../src/agent/surroundings.ts'

type Files = Readonly<Record<string, string>>

/** Two readings, two seconds apart. */
async function readTwice(first: Files, changes: Files, group?: string) {
  let files = first
  let now = 1_000
  const host = createHostLoad({ readText: async path => files[path], now: () => now, group })
  const before = await host.read()
  files = { ...first, ...changes }
  now += 2_000
  return { before, after: await host.read() }
}

const proc = {
  '/proc/meminfo': 'MemTotal:       8000000 kB\nMemFree:        1000000 kB\nMemAvailable:   6000000 kB\n',
  '/proc/stat': 'cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 100 0 100 800 0 0 0 0 50 0\n',
}
const busierStat = { '/proc/stat': 'cpu  130 10 110 900 50 0 0 0 90 0\n' }

const v2 = {
  ...proc,
  '/proc/self/mountinfo': '30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n',
  '/proc/self/cgroup': '0::/pod/app\n',
}
const app = '/sys/fs/cgroup/pod/app'
const pod = '/sys/fs/cgroup/pod'

const v1 = {
  ...proc,
  '/proc/self/mountinfo':
    '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n' +
    '33 31 0:29 /docker/c1 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
    '35 31 0:32 /docker/c1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n' +
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
  '/proc/self/cgroup': '4:memory:/docker/c1\n2:cpu,cpuacct:/docker/c1\n0::/docker/c1\n',
}
const limits1 = {
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '200000\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
  '/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '5000000000\n',
  '/sys/fs/cgroup/memory/memory.limit_in_bytes': '1000\n',
  '/sys/fs/cgroup/memory/memory.usage_in_bytes': '700\n',
  '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 200\n',
}

t.test('two readings, two seconds apart', async t => {
  for (const [why, first, changes, before, after] of [
    ['no Linux', {}, {}, {}, {}],
    ['no control groups: the machine', proc, busierStat, { memory: 0.25 }, { cpu: 0.25, memory: 0.25 }],
    ['version 2 without limits: the machine', v2, busierStat, { memory: 0.25 }, { cpu: 0.25, memory: 0.25 }],
    [
      'version 2: half a core of one, cache that can be given up left out',
      {
        ...v2,
        [`${app}/cpu.max`]: '100000 100000\n',
        [`${app}/cpu.stat`]: 'usage_usec 5000000\nuser_usec 1\n',
        [`${app}/memory.max`]: '1000\n',
        [`${app}/memory.current`]: '700\n',
        [`${app}/memory.stat`]: 'anon 1\ninactive_file 200\n',
      },
      { [`${app}/cpu.stat`]: 'usage_usec 6000000\nuser_usec 1\n', ...busierStat },
      { memory: 0.5 },
      { cpu: 0.5, memory: 0.5 },
    ],
    [
      'version 2: the limits of the group around count, and the one that is nearest',
      {
        ...v2,
        [`${app}/cpu.max`]: 'max 100000\n',
        [`${app}/memory.max`]: '1000\n',
        [`${app}/memory.current`]: '500\n',
        [`${pod}/cpu.max`]: '400000 100000\n',
        [`${pod}/cpu.stat`]: 'usage_usec 0\n',
        [`${pod}/memory.max`]: '2000\n',
        [`${pod}/memory.current`]: '1800\n',
      },
      { [`${pod}/cpu.stat`]: 'usage_usec 2000000\n' },
      { memory: 0.9 },
      { cpu: 0.25, memory: 0.9 },
    ],
    [
      'version 2: more than the quota for a moment is all of it',
      { ...v2, [`${app}/cpu.max`]: '50000 100000\n', [`${app}/cpu.stat`]: 'usage_usec 0\n' },
      { [`${app}/cpu.stat`]: 'usage_usec 9000000\n' },
      { memory: 0.25 },
      { cpu: 1, memory: 0.25 },
    ],
    [
      'version 1 in a container',
      { ...v1, ...limits1 },
      { '/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage': '6000000000\n' },
      { memory: 0.5 },
      { cpu: 0.25, memory: 0.5 },
    ],
    [
      'version 1 without limits: numbers that no machine has, and -1',
      {
        ...{ ...v1, ...limits1 },
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      },
      busierStat,
      { memory: 0.25 },
      { cpu: 0.25, memory: 0.25 },
    ],
    ['files that make no sense', { ...proc, '/proc/stat': 'cpu x\n', '/proc/meminfo': 'MemTotal: 0 kB\n' }, {}, {}, {}],
  ] as const) {
    t.same(await readTwice(first, changes), { before, after }, why)
  }
})

t.test('the group of another process', async t => {
  const vllm = '/sys/fs/cgroup/system.slice/vllm.service'
  const files = {
    ...v2,
    [`${vllm}/memory.max`]: '1000\n',
    [`${vllm}/memory.current`]: '100\n',
  }
  const { after } = await readTwice(files, {}, '/system.slice/vllm.service')
  t.same(after, { memory: 0.1 })
})

t.test('a counter that began again is no reading', async t => {
  const files = { ...v2, [`${app}/cpu.max`]: '100000 100000\n', [`${app}/cpu.stat`]: 'usage_usec 5000000\n' }
  const { after } = await readTwice(files, { [`${app}/cpu.stat`]: 'usage_usec 10\n' })
  t.same(after, { memory: 0.25 })
})

t.test('this machine', { skip: existsSync('/proc/stat') ? false : 'only Linux has /proc/stat' }, async t => {
  const { readText, clock } = machine
  const host = createHostLoad({ readText, now: clock.now })
  t.notOk('cpu' in (await host.read()))
  const started = process.cpuUsage()
  // Two ticks of the kernel's clock at the least, in which this process is busy.
  for (let spent = 0; spent < 50_000; ) {
    const { user, system } = process.cpuUsage(started)
    spent = user + system
  }
  const { cpu, memory } = await host.read()
  t.ok(cpu! > 0 && cpu! <= 1, `CPU ${cpu}`)
  t.ok(memory! > 0 && memory! < 1, `memory ${memory}`)
})
