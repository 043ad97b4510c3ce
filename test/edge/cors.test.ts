/** What a browser is told about other origins. */

import t from 'tap'
import type { Cors } from '../../src/config/rule.ts'
import { corsFields, preflightAnswer } from '../../src/edge/cors.ts'

const app = 'https://app.example.com'
const base: Cors = {
  origins: [app],
  methods: ['GET', 'POST'],
  headers: ['authorization', 'x-session'],
  exposedHeaders: ['x-meridian-region'],
  credentials: false,
  maxAgeSeconds: 600,
}

const allow = (origin: string) => ['Access-Control-Allow-Origin', origin]
const expose = ['Access-Control-Expose-Headers', 'x-meridian-region']
const credentials = ['Access-Control-Allow-Credentials', 'true']
const vary = ['Vary', 'Origin']

t.test('fields of an answer', async t => {
  for (const [change, origin, expected, why] of [
    [{}, app, [...allow(app), ...expose, ...vary], 'a listed origin'],
    [{}, 'https://evil.example', vary, 'a foreign one gets nothing, but caches must know it depends'],
    [{}, undefined, vary, 'no origin: not a cross-origin request, still it depends'],
    [{ credentials: true }, app, [...allow(app), ...credentials, ...expose, ...vary], 'with credentials'],
    [{ origins: ['*'] }, 'https://any.example', [...allow('*'), ...expose], 'any origin: the same for all'],
    [
      { origins: ['*'], credentials: true },
      'https://any.example',
      [...allow('*'), ...expose],
      'never credentials for all',
    ],
    [
      { origins: [app, '*'], credentials: true },
      app,
      [...allow(app), ...credentials, ...expose, ...vary],
      'a listed one beside *',
    ],
    [{ exposedHeaders: [] }, app, [...allow(app), ...vary], 'nothing to expose'],
    [{}, `${app}.evil.example`, vary, 'whole origins are compared, not prefixes'],
    [{}, 'null', vary, 'the opaque origin is foreign'],
  ] as const) {
    t.same(corsFields({ ...base, ...change } as Cors, origin), expected, why)
  }
  t.same(corsFields(undefined, app), [], 'a rule without cors says nothing')
})

t.test('a preflight is told methods, headers and for how long', async t => {
  const { status, fields, body } = preflightAnswer(base)
  t.equal(status, 204)
  t.equal(body, '')
  t.same(fields, [
    ...['Access-Control-Allow-Methods', 'GET, POST'],
    ...['Access-Control-Allow-Headers', 'authorization, x-session'],
    ...['Access-Control-Max-Age', '600'],
    ...['Vary', 'Access-Control-Request-Method, Access-Control-Request-Headers'],
  ])
  t.notOk(preflightAnswer({ ...base, headers: [] }).fields.includes('Access-Control-Allow-Headers'))
})
