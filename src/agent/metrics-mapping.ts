/**
 * Which of a service's metrics means what in a load report: two ready mappings, and the file in which an operator writes
 * one for any other service.
 */

import { readFile } from 'node:fs/promises'
import Type, { type Static, type TProperties } from 'typebox'
import { parse } from 'yaml'
import { MeridianError, unreadable } from '../errors.ts'
import { LoadReport } from '../regions/load-report.ts'
import { checker, formatFault, shown } from '../schema.ts'

const strict = { additionalProperties: false }

const MetricName = Type.String({ pattern: '^[a-zA-Z_:][a-zA-Z0-9_:]*$', expected: 'the name of a metric' })
/** One name, or several of which the first that the service has counts. */
const Names = Type.Union([MetricName, Type.Array(MetricName, { minItems: 1, maxItems: 20 })], {
  expected: 'the name of a metric, or a list of names',
})
/** Label to value; a `*` stands for anything. */
const LabelSelector = Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), Type.String({ maxLength: 200 }))
const Labels = Type.Optional(
  Type.Union([LabelSelector, Type.Array(LabelSelector, { minItems: 1, maxItems: 20 })], {
    expected: 'labels and their values ({ status: "5*" }), or a list of such, of which one has to fit',
  }),
)
const Scale = Type.Optional(Type.Number())

const source = <P extends TProperties>(properties: P) => Type.Object(properties, strict)

const Source = Type.Union(
  [
    source({
      gauge: Names,
      labels: Labels,
      combine: Type.Optional(Type.Unsafe<'sum' | 'mean' | 'max'>(Type.String({ enum: ['sum', 'mean', 'max'] }))),
      scale: Scale,
    }),
    source({ rate: Names, labels: Labels, scale: Scale }),
    source({ mean: Names, labels: Labels, scale: Scale }),
    source({ share: Names, labels: Labels, of: Type.Optional(Names) }),
    source({ value: Type.Number() }),
  ],
  { expected: 'one of { gauge: … }, { rate: … }, { mean: … }, { share: … } or { value: … }, as documented' },
)

/** Where one field of a report comes from. */
export type MetricSource = Static<typeof Source>
export type LabelSelector = Readonly<Record<string, string>>

/** What a region can say of its load, without the numbers that only order its reports. */
export type Load = Readonly<Omit<LoadReport, 'epoch' | 'sequence'>>
export type LoadField = keyof Load

export const loadFields = Object.keys(LoadReport.properties).filter(
  key => key !== 'epoch' && key !== 'sequence',
) as readonly LoadField[]

/** By field of the load report. */
export type MetricsMapping = { readonly [F in LoadField]?: MetricSource }

const checkMapping = checker(
  Type.Object(Object.fromEntries(loadFields.map(field => [field, Type.Optional(Source)])), strict),
)

const statusLabels = ['code', 'status', 'status_code', 'http_status_code', 'http_response_status_code']
const serverErrors = statusLabels.map(label => ({ [label]: '5*' }))

/** Ready mappings, by name. */
export const metricsPresets = {
  /** The names that HTTP middleware of most languages, and OpenTelemetry, give their metrics. */
  generic: {
    inflight: { gauge: ['http_requests_in_flight', 'http_requests_in_progress', 'http_server_active_requests'] },
    requestsPerSecond: {
      rate: [
        'http_requests_total',
        'http_request_duration_seconds_count',
        'http_server_request_duration_seconds_count',
      ],
    },
    latencyMs: { mean: ['http_request_duration_seconds', 'http_server_request_duration_seconds'], scale: 1000 },
    errorRate: {
      share: [
        'http_requests_total',
        'http_request_duration_seconds_count',
        'http_server_request_duration_seconds_count',
      ],
      labels: serverErrors,
    },
  },
  /** vLLM's OpenAI-compatible server; of several engines in one process, requests add up and caches are averaged. */
  vllm: {
    inflight: { gauge: 'vllm:num_requests_running' },
    queueDepth: { gauge: 'vllm:num_requests_waiting' },
    // Both are fractions, whatever their names say; the second is how older releases call it.
    kvCache: { gauge: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'], combine: 'mean' },
    requestsPerSecond: { rate: 'vllm:request_success_total' },
    latencyMs: { mean: 'vllm:e2e_request_latency_seconds', scale: 1000 },
    firstByteMs: { mean: 'vllm:time_to_first_token_seconds', scale: 1000 },
    errorRate: { share: 'http_requests_total', labels: serverErrors },
  },
} as const satisfies Record<string, MetricsMapping>

export type MetricsPreset = keyof typeof metricsPresets

export function isMetricsPreset(text: string): text is MetricsPreset {
  return Object.hasOwn(metricsPresets, text)
}

/**
 * A mapping that was checked.
 *
 * @param where what to call the value in the message
 * @throws MeridianError CONFIG_INVALID with every fault
 */
export function checkMetricsMapping(value: unknown, where: string): MetricsMapping {
  const checked = checkMapping(value)
  if (checked.ok) return checked.value as MetricsMapping
  const faults = checked.faults.map(formatFault)
  throw new MeridianError('CONFIG_INVALID', `${where}: ${faults.join('; ')}`, { faults })
}

/**
 * Reads a mapping file, YAML or JSON.
 *
 * @throws MeridianError FILE_UNREADABLE, or CONFIG_INVALID with every fault
 */
export async function readMetricsMapping(file: string): Promise<MetricsMapping> {
  const text = await readFile(file, 'utf8').catch(cause => {
    const presets = Object.keys(metricsPresets).join(', ')
    const { message } = unreadable(shown(file), cause, 'the metrics mapping')
    throw new MeridianError('FILE_UNREADABLE', `${message}; ready ones are ${presets}`, { cause })
  })
  return checkMetricsMapping(parseYaml(text, file), file)
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    const [message] = (cause as Error).message.split('\n')
    throw new MeridianError('CONFIG_INVALID', `${file}: not YAML: ${message}`, { cause })
  }
}
