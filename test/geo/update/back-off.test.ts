import t from 'tap'
import { MeridianError } from '../../../src/errors.ts'
import { backOffMs } from '../../../src/geo/update/back-off.ts'
import { DownloadError } from '../../../src/geo/update/download-error.ts'

const failed = (retryable: boolean, retryAfterMs?: number) =>
  new DownloadError('GEO_UPDATE_FAILED', 'no', { retryable, retryAfterMs })
const hours = 3_600_000

t.test('waits double up to the most, and never fall short of what the server asks for', async t => {
  for (const [error, failures, random, expected, why] of [
    [failed(true), 1, 0.5, 1_000, 'the first'],
    [failed(true), 2, 0.5, 2_000, 'doubled'],
    [failed(true), 5, 0.5, 16_000, 'doubled four times'],
    [failed(true), 5, 0, 12_000, 'jittered by a quarter less'],
    [failed(true), 5, 1, 20_000, 'or more'],
    [failed(true), 5000, 0.5, hours, 'no more than the most, after any number of failures'],
    [failed(true, 30_000), 1, 0, 30_000, 'the server asks for more'],
    [failed(true, 30_000), 1, 1, 33_000, 'and gets a little more than that'],
    [failed(true, 48 * hours), 1, 0, 48 * hours, 'even more than the most'],
    [failed(true, 0), 1, 0.5, 1_000, 'or for less: then our own'],
    [failed(false), 1, 0.5, hours, 'a refusal will not change soon'],
    [new MeridianError('GEO_DATABASE_INVALID', 'broken'), 1, 0.5, hours, 'nor will a broken database'],
  ] as const) {
    t.equal(
      backOffMs(error, failures, { firstMs: 1_000, mostMs: hours }, () => random),
      expected,
      why,
    )
  }
})
