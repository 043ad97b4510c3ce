import { CommanderError } from 'commander'
import t from 'tap'
import { describeFailure } from '../../src/cli/failure.ts'
import { errorCatalogue, MeridianError } from '../../src/errors.ts'

t.test('one fault is one line, several have a heading and a line each', async t => {
  const cases = [
    [new MeridianError('ADDRESS_INVALID', 'expected an address'), ['meridian: expected an address'], 64],
    [new MeridianError('CONFIG_INVALID', 'a: wrong', { faults: ['a: wrong'] }), ['meridian: a: wrong'], 78],
    [
      new MeridianError('CONFIG_INVALID', 'a: wrong; b: missing', { faults: ['a: wrong', 'b: missing'] }),
      ['meridian: The configuration is not valid:', '  a: wrong', '  b: missing'],
      78,
    ],
    [
      new MeridianError('REGION_INVALID', 'regions in /r: x: 1; y: 2 (mend it)', { faults: ['x: 1', 'y: 2'] }),
      ['meridian: regions in /r:', '  x: 1', '  y: 2', '  (mend it)'],
      65,
    ],
    [new MeridianError('REGION_UNKNOWN', 'no \u001b[2Jsuch\nregion'), ['meridian: no such\u{fffd}region'], 66],
  ] as const
  for (const [error, lines, exitCode] of cases)
    t.same(describeFailure(error, false), { lines, exitCode }, error.message)
})

t.test('a fault of the program itself says so; the stack comes only when asked for', async t => {
  const error = new TypeError('x is not a function')
  const { lines, exitCode } = describeFailure(error, false)
  t.equal(exitCode, errorCatalogue.INTERNAL.exit)
  t.equal(lines.length, 2)
  t.notMatch(lines.join('\n'), /at /)
  t.match(describeFailure(error, true).lines.join('\n'), /x is not a function\n.*at /)
})

t.test('the parser has spoken itself: help is no failure, a mistake is one of usage', async t => {
  t.same(describeFailure(new CommanderError(0, 'commander.help', ''), false), { lines: [], exitCode: 0 })
  t.same(describeFailure(new CommanderError(1, 'commander.unknownOption', ''), false), { lines: [], exitCode: 64 })
})
