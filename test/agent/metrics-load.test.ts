/** From metrics to a load report: gauges, rates, means and shares; presets; what makes no sense is left out. */

import t from 'tap'
import { parseExposition } from '../../src/agent/exposition.ts'
import { createMetricsLoad, type MetricsLoad, tidyLoad } from '../../src/agent/metrics-load.ts'
import { type MetricsMapping, metricsPresets } from '../../src/agent/metrics-mapping.ts'
import { LoadReport } from '../../src/regions/load-report.ts'
import { checker } from '../../src/schema.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

function update(load: MetricsLoad, text: string, at: number) {
  const parsed = parseExposition(text.trim() === '' ? '' : `${text.trim()}\n`, load.isWanted)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return load.update(parsed.value, at)
}

/** What the last of several readings, two seconds apart, says. */
function afterAll(mapping: MetricsMapping, texts: readonly string[]) {
  const load = createMetricsLoad(mapping)
  return texts.map((text, index) => update(load, text, index * 2_000)).at(-1)
}

t.test('one field from one or several readings, two seconds apart', async t => {
  for (const [mapping, texts, expected, why] of [
    [{ inflight: { gauge: 'running' } }, ['running 3'], { inflight: 3 }, 'a gauge as it is'],
    [{ inflight: { gauge: 'running' } }, ['running{e="0"} 3\nrunning{e="1"} 4'], { inflight: 7 }, 'gauges add up'],
    [
      { kvCache: { gauge: 'kv', combine: 'mean' } },
      ['kv{e="0"} 0.2\nkv{e="1"} 0.6'],
      { kvCache: 0.4 },
      'or are averaged',
    ],
    [
      { kvCache: { gauge: 'kv', combine: 'max' } },
      ['kv{e="0"} 0.2\nkv{e="1"} 0.6'],
      { kvCache: 0.6 },
      'or the worst counts',
    ],
    [{ memory: { gauge: 'percent', scale: 0.01 } }, ['percent 55'], { memory: 0.55 }, 'scaled'],
    [{ inflight: { gauge: ['new', 'old'] } }, ['old 1'], { inflight: 1 }, 'the first name that is there'],
    [{ inflight: { gauge: ['new', 'old'] } }, ['old 1\nnew 2'], { inflight: 2 }, 'and only that'],
    [
      { inflight: { gauge: 'a', labels: { kind: 'chat' } } },
      ['a{kind="chat"} 1\na{kind="x"} 5\na 9'],
      { inflight: 1 },
      'labels',
    ],
    [{ inflight: { gauge: 'a' } }, ['b 1'], {}, 'what is not there is left out'],
    [{ inflight: { gauge: 'a' } }, ['a NaN'], {}, 'so is what is no number'],
    [{ queueLimit: { value: 50 } }, [''], { queueLimit: 50 }, 'a constant'],
    [{ requestsPerSecond: { rate: 'n' } }, ['n 10'], {}, 'no rate from one reading'],
    [{ requestsPerSecond: { rate: 'n' } }, ['n 10', 'n 30'], { requestsPerSecond: 10 }, 'growth by second'],
    [{ requestsPerSecond: { rate: 'n' } }, ['n 10', 'n 4'], { requestsPerSecond: 2 }, 'a counter that began again'],
    [
      { requestsPerSecond: { rate: 'n' } },
      ['n{a="1"} 10', 'n{a="1"} 10\nn{a="2"} 6'],
      { requestsPerSecond: 3 },
      'a new series',
    ],
    [
      { requestsPerSecond: { rate: 'n' } },
      ['n{a="1",b="2"} 10', 'n{b="2",a="1"} 12'],
      { requestsPerSecond: 1 },
      'labels in any order',
    ],
    [
      { latencyMs: { mean: 's', scale: 1000 } },
      ['s_sum 10\ns_count 5'],
      { latencyMs: 2000 },
      'at first, the mean of all',
    ],
    [
      { latencyMs: { mean: 's' } },
      ['s_sum 10\ns_count 5', 's_sum 14\ns_count 6'],
      { latencyMs: 4 },
      'then, of what has ended',
    ],
    [
      { latencyMs: { mean: 's' } },
      ['s_sum 10\ns_count 5', 's_sum 10\ns_count 5'],
      { latencyMs: 2 },
      'nothing has: of all',
    ],
    [{ latencyMs: { mean: 's' } }, ['s_sum 0\ns_count 0'], {}, 'nothing ever: unknown'],
    [{ latencyMs: { mean: 's' } }, ['s_sum 10\ns_count 5', 's_sum 3\ns_count 1'], { latencyMs: 3 }, 'began again'],
    [
      { errorRate: { share: 'n', labels: [{ code: '5*' }, { status: '5*' }] } },
      ['n{code="200"} 10\nn{code="503"} 90', 'n{code="200"} 16\nn{code="503"} 91\nn{status="500"} 1'],
      { errorRate: 0.25 },
      'the share of those that went wrong',
    ],
    [{ errorRate: { share: 'bad', of: 'n' } }, ['n 10', 'n 14\nbad 1'], { errorRate: 0.25 }, 'counted by themselves'],
    [
      { errorRate: { share: 'bad', of: 'n' } },
      ['n 10', 'n 14'],
      { errorRate: 0 },
      'not counted as long as there are none',
    ],
    [{ errorRate: { share: 'n', labels: { code: '5*' } } }, ['n 10', 'n 10'], {}, 'of nothing: unknown'],
  ] as const) {
    t.same(afterAll(mapping as MetricsMapping, texts), expected, why)
  }
})

t.test('a star in a label stands for any text', async t => {
  for (const [glob, text, fits] of [
    ['5*', '503', true],
    ['5*', '250', false],
    ['*', '', true],
    ['a*b', 'ab', true],
    ['aa*aa', 'aaa', false],
    ['*b*d*', 'abcde', true],
    ['*d*b*', 'abcde', false],
    ['a.c', 'abc', false],
    ['abc', 'abcd', false],
  ] as const) {
    const mapping = { inflight: { gauge: 'a', labels: { x: glob } } }
    t.same(afterAll(mapping, [`a{x="${text}"} 1`]), fits ? { inflight: 1 } : {}, `${glob} and ${text}`)
  }
})

t.test('counters are looked at over half a minute', async t => {
  const load = createMetricsLoad({ latencyMs: { mean: 's' }, requestsPerSecond: { rate: 's_count' } })
  update(load, 's_sum 1000\ns_count 1', 0)
  const steps = Array.from({ length: 14 }, (_, index) => update(load, 's_sum 1010\ns_count 2', 2_000 * (index + 1)))
  t.ok(
    steps.every(({ latencyMs }) => latencyMs === 10),
    'the request that ended half a minute ago still counts',
  )
  t.same(update(load, 's_sum 1010\ns_count 2', 32_000).latencyMs, 505, 'then the mean of all is the best guess')
})

t.test('random counters: the rate is what a naive account says', async t => {
  const random = seededRandom(11)
  for (let round = 0; round < 200; round++) {
    const load = createMetricsLoad({ requestsPerSecond: { rate: 'n' } })
    const before = new Map<string, number>()
    const after = new Map<string, number>()
    for (const key of ['a', 'b', 'c', 'd']) {
      if (random() < 0.7) before.set(key, randomInteger(random, 100))
      if (random() < 0.7) after.set(key, randomInteger(random, 100))
    }
    const write = (series: Map<string, number>) =>
      [...series].map(([key, value]) => `n{k="${key}"} ${value}`).join('\n')
    update(load, write(before), 0)
    let grown = 0
    for (const [key, value] of after) grown += value < (before.get(key) ?? 0) ? value : value - (before.get(key) ?? 0)
    const { requestsPerSecond } = update(load, write(after), 4_000)
    t.equal(requestsPerSecond, after.size === 0 ? undefined : grown / 4)
  }
})

t.test('a load always fits into a report', async t => {
  t.same(tidyLoad({ cpu: 1.2, memory: -0.1, inflight: -3, latencyMs: Infinity, queueLimit: 0, kvCache: Number.NaN }), {
    inflight: 0,
    cpu: 1,
    memory: 0,
  })
  t.same(tidyLoad({ requestsPerSecond: 1 / 3, inflight: 5e9 }), { inflight: 1e9, requestsPerSecond: 0.333333 })
  const check = checker(LoadReport)
  const random = seededRandom(5)
  const value = () => [0, -1, 1e12, 0.5, 1, Number.NaN, Infinity, undefined][randomInteger(random, 8)]
  for (let round = 0; round < 200; round++) {
    const load = tidyLoad({
      ...{ inflight: value(), capacityRequests: value(), queueDepth: value(), queueLimit: value(), cpu: value() },
      ...{ memory: value(), kvCache: value(), errorRate: value(), latencyMs: value(), requestsPerSecond: value() },
    })
    t.ok(check({ ...load, epoch: 1, sequence: 1 }).ok, JSON.stringify(load))
  }
})

t.test('the preset for vLLM: two engines, two readings', async t => {
  const page = (done: number, running: number) => `
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} ${running}.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.25
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="m"} 0.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="m"} ${done}.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} ${done}.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} ${done * 0.2}
# TYPE vllm:e2e_request_latency_seconds histogram
vllm:e2e_request_latency_seconds_count{engine="0",model_name="m"} ${done}.0
vllm:e2e_request_latency_seconds_sum{engine="0",model_name="m"} ${done * 2.5}
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} ${done - 1}.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 1.0
# TYPE http_requests_total counter
http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} ${done}.0
http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"} 10.0
`
  t.same(afterAll(metricsPresets.vllm, [page(100, 8), page(140, 10)]), {
    ...{ inflight: 12, queueDepth: 3, kvCache: 0.375, requestsPerSecond: 20 },
    ...{ latencyMs: 2500, firstByteMs: 200, errorRate: 0 },
  })
  t.same(
    afterAll(metricsPresets.vllm, ['vllm:gpu_cache_usage_perc 0.5']),
    { kvCache: 0.5 },
    'as older releases call it',
  )
})

t.test('the generic preset: names and labels that middleware gives', async t => {
  const page = (good: number, bad: number) => `
http_requests_in_progress 4
http_request_duration_seconds_sum{status_code="200"} ${good * 0.1}
http_request_duration_seconds_count{status_code="200"} ${good}
http_request_duration_seconds_sum{status_code="502"} ${bad * 0.1}
http_request_duration_seconds_count{status_code="502"} ${bad}
`
  t.same(afterAll(metricsPresets.generic, [page(10, 0), page(16, 2)]), {
    ...{ inflight: 4, requestsPerSecond: 4, errorRate: 0.25, latencyMs: 100 },
  })
})
