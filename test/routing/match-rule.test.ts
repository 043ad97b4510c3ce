import t from 'tap'
import { RuleTable } from '../../src/routing/match-rule.ts'
import { rule } from '../support/world.ts'

const table = new RuleTable([
  rule({ name: 'any-v1', match: { path: '/v1' } }),
  rule({ name: 'api', match: { host: 'api.example.com' } }),
  rule({ name: 'api-v1', match: { host: 'api.example.com', path: '/v1/' } }),
  rule({ name: 'api-v1-chat-post', match: { host: 'api.example.com', path: '/v1/chat', methods: ['POST'] } }),
  rule({ name: 'api-v1-again', match: { host: 'api.example.com', path: '/v1' } }),
  rule({ name: 'below', match: { host: '*.example.com' } }),
  rule({ name: 'far-below', match: { host: '*.eu.example.com', path: '/x' } }),
])

t.test('first by host, then by longest path, then by order', async t => {
  for (const [host, path, method, expected, why] of [
    ['api.example.com', '/', 'GET', 'api', 'exact host'],
    [
      'api.example.com',
      '/v1',
      'GET',
      'api-v1',
      'a prefix with a slash matches the bare segment; the first of two wins',
    ],
    ['api.example.com', '/v1/models', 'GET', 'api-v1', 'longer path'],
    ['api.example.com', '/v10', 'GET', 'api', 'whole segments only'],
    ['api.example.com', '/v1/chat', 'POST', 'api-v1-chat-post', 'longest path and method'],
    ['api.example.com', '/v1/chat', 'GET', 'api-v1', 'method differs: the next shorter'],
    ['www.example.com', '/v1', 'GET', 'below', 'a host of any kind comes before a path'],
    ['a.eu.example.com', '/x/y', 'GET', 'far-below', 'the longer wildcard'],
    ['a.eu.example.com', '/z', 'GET', 'below', 'falls back to the shorter one'],
    ['example.com', '/z', 'GET', 'default', 'a wildcard is not the name itself'],
    ['other.org', '/v1/x', 'GET', 'any-v1', 'any host'],
    ['other.org', '/', 'DELETE', 'default', 'the catch-all'],
    ['', '*', 'OPTIONS', 'default', 'even for what is no path'],
  ] as const) {
    t.equal(table.find(host, path, method).rule.name, expected, `${method} ${host}${path}: ${why}`)
  }
})
