/** What the data plane tells, turned into metrics and lines of the log. */

import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { EdgeObserver } from '../edge/observer.ts'
import { createAccessLog } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'

export function observeEdge(metrics: Metrics, log: Logger, { clientAddress }: Config['log']): EdgeObserver {
  const writeAccessLine = createAccessLog(log, clientAddress)
  return {
    onExchange(record) {
      const { rule, transport, region, reason } = record
      metrics.countExchange(record)
      if (rule !== undefined && transport !== undefined && reason !== undefined) {
        metrics.countDecision({ rule, transport, region, reason })
      }
      if (rule !== undefined && record.shed !== undefined) metrics.countShed(rule, record.shed)
      writeAccessLine(record)
    },
    onDispatch: ({ region }) => metrics.beginUpstream(region),
    onFinish(record) {
      metrics.endUpstream(record)
      const { region, failure, detail, requestId } = record
      if (failure !== undefined) log.warn({ region, failure, detail, requestId }, 'a region failed a request')
    },
    onFault: (error, requestId) => log.error({ err: error, requestId }, 'a request could not be served'),
  }
}
