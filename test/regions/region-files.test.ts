import { join } from 'node:path'
import t from 'tap'
import { MeridianError } from '../../src/errors.ts'
import { packageDirectory } from '../../src/paths.ts'
import type { Region } from '../../src/regions/region.ts'
import { readRegionFiles } from '../../src/regions/region-files.ts'
import { exampleRegion } from '../support/example-region.ts'

t.test('every <id>.json of a directory is a region, ordered by id; other files are not looked at', async t => {
  const directory = t.testdir({
    'b.json': fileOf('b'),
    'a-b.json': fileOf('a-b'),
    'a.json': fileOf('a'),
    'README.md': '# Regions',
    '.draft.json': '{',
  })
  t.same(idsOf(await readRegionFiles(directory)), ['a', 'a-b', 'b'])
  t.same(await readRegionFiles(t.testdir({})), [], 'an empty directory is an empty fleet')
})

t.test('every fault of every file is told at once', async t => {
  const directory = t.testdir({
    'a.json': fileOf('a'),
    'broken.json': '{\n  "id": "broken"\n  "name": "x"\n}',
    'copy.json': fileOf('a'),
    'double.json': fileOf('a', { weight: -1 }),
    'far.json': fileOf('far', { coordinates: { latitude: 91, longitude: 181 } }),
    'list.json': '[]',
    'misnamed.json': fileOf('somewhere'),
    'slash.json': fileOf('slash', { endpoints: { publicUrl: 'https://slash.example.com/v1' } }),
  })
  const error = await readRegionFiles(directory).catch((error: unknown) => error)
  if (!(error instanceof MeridianError)) return t.fail('expected a MeridianError')
  t.equal(error.code, 'REGION_INVALID')
  t.same(error.faults, [
    'broken.json: not JSON: line 3, column 3: expected a comma or }, not "\\"name\\": \\"x\\""',
    'copy.json: id: "a" stands in a.json, too; ids are unique',
    'double.json: weight: expected at least 0, not -1',
    'double.json: id: "a" stands in copy.json, too; ids are unique',
    'far.json: coordinates.latitude: expected at most 90, not 91',
    'far.json: coordinates.longitude: expected at most 180, not 181',
    'list.json: expected a mapping, not []',
    'misnamed.json: id: expected the name of the file, not "somewhere"',
    'slash.json: endpoints.publicUrl: expected no path, not "https://slash.example.com/v1": write "https://slash.example.com"',
  ])
  t.match(error.message, directory)
})

t.test('what cannot be read is said to be so', async t => {
  const directory = t.testdir({ 'dir.json': {}, 'file.txt': 'x' })
  await t.rejects(readRegionFiles(join(directory, 'absent')), {
    code: 'FILE_UNREADABLE',
    message: /^cannot read the regions folder .*absent: no such file or folder$/,
  })
  await t.rejects(readRegionFiles(join(directory, 'file.txt')), {
    code: 'FILE_UNREADABLE',
    message: /file\.txt: a part of the path is a file, not a folder$/,
  })
  await t.rejects(readRegionFiles(directory), {
    code: 'FILE_UNREADABLE',
    message: /dir\.json: it is a folder, not a file$/,
  })
})

t.test('the example fleet: twenty regions over three tiers, no name or address twice', async t => {
  const regions = await readRegionFiles(join(packageDirectory, 'regions'))
  const inTier = (tier: string) => regions.filter(region => region.tier === tier)
  t.same([inTier('edge').length, inTier('cloud').length, inTier('core').length], [12, 6, 2])
  for (const [what, of] of [
    ['host', (r: Region) => [r.endpoints.publicUrl]],
    ['canonical name', (r: Region) => [r.endpoints.cname]],
    ['IPv4 address', (r: Region) => r.endpoints.ipv4],
    ['IPv6 address', (r: Region) => r.endpoints.ipv6],
  ] as const) {
    const all = regions.flatMap(region => of(region) ?? [])
    t.equal(all.length, regions.length, `every region has one ${what}`)
    t.equal(new Set(all).size, regions.length, `no two regions share a ${what}`)
  }
  for (const { id, tier, labels, jurisdiction, endpoints, capabilities } of regions) {
    t.ok(id.startsWith(`${tier}-`), `${id} says its tier`)
    t.ok(Number(labels['demo-service-ms']) > 0, `${id} has a service time for the demo`)
    t.ok(jurisdiction && endpoints.probe && capabilities.includes('chat-small'), `${id} can be ruled, probed and used`)
  }
})

function idsOf(regions: readonly Region[]): readonly string[] {
  return regions.map(region => region.id)
}

function fileOf(id: string, changes: Partial<Region> = {}): string {
  return JSON.stringify(exampleRegion(id, changes))
}
