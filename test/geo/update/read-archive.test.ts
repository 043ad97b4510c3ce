import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readArchive } from '../../../src/geo/update/read-archive.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { type TarMember, tarOf } from '../../support/tar.ts'

const edition = 'GeoLite2-City'
const database = 'GeoLite2-City_20260601/GeoLite2-City.mmdb'
const good: readonly TarMember[] = [
  { name: 'GeoLite2-City_20260601/', type: '5' },
  { name: 'GeoLite2-City_20260601/COPYRIGHT.txt', content: 'All rights are theirs.' },
  { name: database, content: 'the database' },
  { name: 'GeoLite2-City_20260601/LICENSE.txt', content: 'x'.repeat(512) },
]

async function* inChunksOf(bytes: Buffer, size: () => number) {
  for (let at = 0; at < bytes.length; ) {
    const length = size()
    yield bytes.subarray(at, at + length)
    at += length
  }
}

async function read(archive: Buffer, maxBytes = 1000, size = () => 700): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of readArchive(inChunksOf(archive, size), edition, maxBytes)) parts.push(Buffer.from(part))
  return Buffer.concat(parts).toString()
}

t.test('exactly the one database is taken, whatever harmless stands around it', async t => {
  for (const [what, members] of [
    ['as MaxMind makes them', good],
    ['the database alone', good.slice(2, 3)],
    ['with pax records', [{ name: 'pax_global_header', type: 'g', content: '27 comment=x\n' }, ...good]],
    ['an old type of file', [{ name: database, content: 'the database', type: '\0' }]],
    ['a folder below', [...good, { name: 'GeoLite2-City_20260601/docs/a.txt', content: 'a' }]],
  ] as const) {
    t.equal(await read(tarOf(members)), 'the database', what)
  }
  t.equal(await read(tarOf([{ name: database }])), '', 'an empty one is for the reader of databases to refuse')
})

t.test('everything else is refused, with the reason', async t => {
  const and = (member: TarMember) => tarOf([...good, member])
  const whole = tarOf(good)
  for (const [what, archive, message] of [
    ['a way out', and({ name: '../../etc/cron.d/x', content: 'x' }), /"\.\.\/\.\.\/etc\/cron\.d\/x" leads out/],
    ['a way out in the middle', and({ name: 'a/../b' }), /leads out/],
    ['a way out at the end', and({ name: 'a/..', type: '5' }), /leads out/],
    ['an absolute name', and({ name: '/etc/passwd' }), /leads out/],
    ['a backslash', and({ name: '..\\x' }), /leads out/],
    ['a symbolic link', and({ name: 'GeoLite2-City_20260601/x', type: '2' }), /is a symbolic link; expected files/],
    ['a link', and({ name: 'x', type: '1' }), /is a link/],
    ['a device', and({ name: 'x', type: '3' }), /of type "3"/],
    ['a link for a database', tarOf([{ name: database, type: '2' }]), /is a symbolic link/],
    ['a folder for a database', tarOf([{ name: database, type: '5' }]), /is no file/],
    [
      'no database',
      tarOf(good.filter(({ name }) => name !== database)),
      /has no GeoLite2-City_YYYYMMDD\/GeoLite2-City\.mmdb/,
    ],
    ['that of another edition', tarOf([{ name: 'GeoLite2-ASN_20260601/GeoLite2-ASN.mmdb' }]), /has no GeoLite2-City/],
    ['in no folder', tarOf([{ name: 'GeoLite2-City.mmdb', content: 'x' }]), /has no/],
    ['two databases', tarOf([...good, ...good]), /two databases/],
    [
      'a large database',
      tarOf([{ name: database, content: 'x'.repeat(1001) }]),
      /has 1001 bytes; expected at most 1000/,
    ],
    ['a large other file', and({ name: 'x', sizeText: '00007777777\0' }), /expected at most 1048576/],
    ['a size beyond octal', and({ name: 'x', sizeText: '\x80\0\0\0\0\0\0\0\0\0\0\0' }), /a number that is none/],
    ['a thousand members', tarOf(Array.from({ length: 101 }, () => ({ name: 'x' }))), /more than 100 members/],
    ['nothing', Buffer.alloc(0), /ends too early/],
    ['cut in a header', whole.subarray(0, 600), /ends too early/],
    ['cut in the database', whole.subarray(0, 4 * 512 + 5), /ends too early/],
    ['cut before its end', whole.subarray(0, -1024), /ends too early/],
    ['more after its end', Buffer.concat([whole, Buffer.from('x')]), /goes on after its end/],
    ['something else', Buffer.from('<html>'.repeat(200)), /a number that is none|damaged header/],
    ['a flipped bit', Buffer.from(whole).fill('X', 3, 4), /damaged header/],
  ] as const) {
    await t.rejects(read(archive), { code: 'GEO_DATABASE_INVALID', message }, what)
  }
})

t.test('how the bytes are cut into chunks makes no difference', async t => {
  const random = seededRandom(7)
  for (let round = 0; round < 100; round++) {
    const content = 'abcdefghij'.repeat(Math.floor(random() * 300))
    const archive = tarOf(good.map(member => (member.name === database ? { ...member, content } : member)))
    const most = 1 + Math.floor(random() * 3000)
    const answer = await read(archive, 10_000, () => 1 + Math.floor(random() * most))
    if (answer !== content) t.equal(answer, content, `round ${round}`)
  }
  t.pass('100 archives')
})

t.test("archives of the system's own tar, in each of its formats", async t => {
  const directory = t.testdir({})
  mkdirSync(join(directory, 'GeoLite2-City_20260601'))
  writeFileSync(join(directory, database), 'the database')
  writeFileSync(join(directory, 'GeoLite2-City_20260601/LICENSE.txt'), 'free')
  for (const format of ['v7', 'ustar', 'gnu', 'pax']) {
    const archive = execFileSync('tar', [`--format=${format}`, '-cf', '-', 'GeoLite2-City_20260601'], {
      cwd: directory,
    })
    t.equal(await read(archive), 'the database', format)
  }
})
