import { renameSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAddress } from '../../src/geo/address.ts'
import { fileState } from '../../src/geo/file-state.ts'
import { LocatorLoader } from '../../src/geo/locator-loader.ts'
import { nested, writeDatabase, writeTo } from '../support/geo-fixture.ts'

const client = parseAddress('81.2.69.142')!

t.test('only what has changed is read again', async t => {
  const directory = t.testdir({})
  const files = {
    databases: [
      writeDatabase(directory, 'a', { '10.0.0.0/8': nested('PL', 52, 21) }),
      writeDatabase(directory, 'b', { '81.2.69.0/24': nested('GB', 51, 0, 'London') }),
    ],
    overrides: writeTo(directory, 'overrides.yaml', ''),
  }
  const loader = new LocatorLoader()
  const first = await loader.load(files)
  t.equal((await loader.load(files)).locator, first.locator, 'the same locator while nothing changes')
  t.equal((await loader.load({ ...files })).locator, first.locator)

  writeTo(directory, 'overrides.yaml', '[{ network: 81.2.69.0/24, country: JP }]')
  const second = await loader.load(files)
  t.match(second.locator.locate(client), { country: 'JP', source: 'overrides.yaml' })
  const infoOf = ({ locator }: typeof first, file: string) => locator.sources.find(source => source.file === file)
  for (const file of files.databases) t.equal(infoOf(second, file), infoOf(first, file), 'the very same database')
  t.match([...second.states.keys()], [...files.databases, files.overrides])

  renameSync(writeDatabase(directory, 'next', { '81.2.69.0/24': nested('FR', 49, 2) }), files.databases[1]!)
  const third = await loader.load({ databases: files.databases })
  t.match(third.locator.locate(client), { country: 'FR' })
  t.equal(infoOf(third, files.databases[0]!), infoOf(first, files.databases[0]!))
  t.not(infoOf(third, files.databases[1]!), infoOf(first, files.databases[1]!))
})

t.test('a failure leaves the loader as it was', async t => {
  const directory = t.testdir({})
  const database = writeDatabase(directory, 'a', { '81.2.69.0/24': nested('GB', 51, 0) })
  const loader = new LocatorLoader()
  const { locator } = await loader.load({ databases: [database] })
  await t.rejects(loader.load({ databases: [database, join(directory, 'missing.mmdb')] }), { code: 'FILE_UNREADABLE' })
  t.equal((await loader.load({ databases: [database] })).locator, locator)
})

t.test('the state of a file differs with everything that can happen to it', async t => {
  const directory = t.testdir({ a: 'one', b: 'one' })
  const file = join(directory, 'a')
  const states = [await fileState(file)]
  const note = async (what: string) => {
    const state = await fileState(file)
    t.notOk(states.includes(state), what)
    states.push(state)
  }
  writeTo(directory, 'a', 'longer')
  await note('another size')
  const { mtime } = statSync(file)
  writeTo(directory, 'a', 'other!')
  utimesSync(file, mtime, new Date('2020-01-01'))
  await note('another time')
  renameSync(join(directory, 'b'), file)
  await note('another file')
  renameSync(file, join(directory, 'c'))
  t.equal(await fileState(file), 'absent')
})
