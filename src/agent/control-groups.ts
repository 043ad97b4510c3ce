/**
 * Where in the file system a process's control groups are, in version 2, version 1, and where both are mounted.
 *
 * See cgroups(7) and proc_pid_mountinfo(5). Knows nothing of what stands in the groups' files.
 */

import { join } from 'node:path'

/** The text of a file; undefined where it cannot be read. */
export type ReadText = (path: string) => Promise<string | undefined>

/** One directory of a hierarchy; CPU time of version 1 is counted in a hierarchy of its own. */
export interface Level {
  readonly version: 1 | 2
  readonly directory: string
  readonly usageDirectory: string
}

export interface Groups {
  readonly cpu: readonly Level[]
  readonly memory: readonly Level[]
}

interface Mount {
  readonly root: string
  readonly point: string
  readonly version: 1 | 2
  readonly controllers: readonly string[]
}

/** Every time anew: a process may be moved, and a limit may be set at any level. */
export async function findGroups(readText: ReadText, group: string | undefined): Promise<Groups> {
  const [mountinfo = '', memberships = ''] = await Promise.all([
    readText('/proc/self/mountinfo'),
    readText('/proc/self/cgroup'),
  ])
  const mounts = mountinfo.split('\n').flatMap(parseMount)
  const pathOf = (mount: Mount) => group ?? membershipIn(memberships, mount) ?? '/'
  const find = (controller: string) =>
    mounts.find(mount => mount.controllers.includes(controller)) ?? mounts.find(mount => mount.version === 2)
  const levels = (controller: string, usageController: string): Level[] => {
    const mount = find(controller)
    if (mount === undefined) return []
    const usage = find(usageController) ?? mount
    return pathsUpwards(below(mount, pathOf(mount))).map(path => ({
      version: mount.version,
      directory: join(mount.point, path),
      usageDirectory: join(usage.point, path),
    }))
  }
  return { cpu: levels('cpu', 'cpuacct'), memory: levels('memory', 'memory') }
}

/** `31 23 0:28 /root /point rw,relatime - cgroup source rw,cpu,cpuacct` */
function parseMount(line: string): Mount[] {
  const [head = '', tail = ''] = line.split(' - ')
  const [, , , root = '/', point = '/'] = head.split(' ')
  const [type, , options = ''] = tail.split(' ')
  if (type === 'cgroup2') return [{ root, point, version: 2, controllers: [] }]
  return type === 'cgroup' ? [{ root, point, version: 1, controllers: options.split(',') }] : []
}

/** `4:cpu,cpuacct:/path` in version 1, `0::/path` in version 2. */
function membershipIn(memberships: string, { version, controllers }: Mount): string | undefined {
  for (const line of memberships.split('\n')) {
    const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    const fits = version === 2 ? id === '0' : names?.split(',').some(name => controllers.includes(name))
    if (fits) return path
  }
  return undefined
}

/** In a container what is mounted may be the group itself, under the name that it has on the host. */
function below({ root }: Mount, path: string): string {
  if (root === '/') return path
  if (path === root) return '/'
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
}

/** `/a/b` → `/a/b`, `/a`, `/`. */
function pathsUpwards(path: string): string[] {
  const names = path.split('/').filter(name => name !== '' && name !== '..')
  return names.map((_name, index) => `/${names.slice(0, names.length - index).join('/')}`).concat('/')
}
