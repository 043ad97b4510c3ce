/** `meridian check`: every fault of configuration, region files, overrides and databases at once. */

import { errorCatalogue } from '../errors.ts'
import { type CheckReport, checkEverything } from './check-everything.ts'
import { type Paint, printable, type Terminal } from './terminal.ts'

export interface CheckOptions {
  readonly config?: string
  readonly strict?: boolean
  readonly json?: boolean
}

export async function check(options: CheckOptions, { print, paint, environment, leave }: Terminal): Promise<void> {
  const report = await checkEverything(options.config, environment)
  const ok = report.faults.length === 0 && !(options.strict && report.warnings.length > 0)
  print(...(options.json ? [JSON.stringify({ ok, ...report })] : renderReport(options.config, report, paint)))
  if (!ok) leave(errorCatalogue[report.code ?? 'CONFIG_INVALID'].exit)
}

function renderReport(file: string | undefined, { faults, warnings, found }: CheckReport, paint: Paint): string[] {
  const counts = [
    ...[counted(found.rules, 'rule'), counted(found.regions, 'region')],
    ...[counted(found.databases, 'database'), counted(found.overrides, 'override')],
  ]
  const outcome =
    faults.length > 0
      ? paint('red', counted(faults.length, 'fault'))
      : warnings.length > 0
        ? paint('yellow', `no fault, ${counted(warnings.length, 'warning')}`)
        : paint('green', 'no fault')
  return [
    ...faults.map(fault => `${paint('red', 'fault')}    ${printable(fault)}`),
    ...warnings.map(warning => `${paint('yellow', 'warning')}  ${printable(warning)}`),
    `${file ?? 'environment and defaults'}: ${outcome} (${counts.join(', ')})`,
  ]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
