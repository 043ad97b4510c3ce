/** What counts as a target and a host, and that no target can lead a redirect to another authority. */

import t from 'tap'
import { parseHost, parseRequestTarget } from '../../src/edge/request-target.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

t.test('path and query are kept byte for byte', async t => {
  for (const [target, path, pathAndQuery, authority] of [
    ['/', '/', '/', undefined],
    ['/v1/chat?x=1&y=%2F', '/v1/chat', '/v1/chat?x=1&y=%2F', undefined],
    ['/a//b/../c/./%2e%2e', '/a//b/../c/./%2e%2e', '/a//b/../c/./%2e%2e', undefined],
    ['//evil.example/x', '//evil.example/x', '//evil.example/x', undefined],
    ['/\\evil.example', '/\\evil.example', '/\\evil.example', undefined],
    ['/@evil.example', '/@evil.example', '/@evil.example', undefined],
    ['/?a?b', '/', '/?a?b', undefined],
    ['http://example.com/a?b', '/a', '/a?b', 'example.com'],
    ['HTTPS://Example.com:8443', '/', '/', 'Example.com:8443'],
    ['http://example.com?q=1', '/', '/?q=1', 'example.com'],
    ['http://user@evil.example/', '/', '/', 'user@evil.example'],
  ] as const) {
    const form = authority === undefined ? 'origin' : 'absolute'
    t.same(
      parseRequestTarget(target),
      { form, path, pathAndQuery, ...(authority !== undefined && { authority }) },
      target,
    )
  }
  t.equal(parseRequestTarget('*')?.form, 'asterisk')
})

t.test('anything else is no target', async t => {
  for (const target of [
    '',
    'evil.example',
    'evil.example:443',
    '@evil.example',
    '\\evil.example',
    'javascript:alert(1)',
    'ftp://example.com/',
    'http:///path',
    'http:\\\\evil.example',
    '/a b',
    '/a\tb',
    '/a\r\nSet-Cookie: x=1',
    '/a\x00',
    '/a\x7f',
    '/a#fragment',
    '/caf\xe9',
    '/\u0100',
    '**',
  ]) {
    t.equal(parseRequestTarget(target), undefined, encodeURI(target))
  }
})

t.test('a host is a name or an address, without port, user or spaces', async t => {
  for (const [value, expected] of [
    ['example.com', 'example.com'],
    ['API.Example.COM:8080', 'api.example.com'],
    ['example.com.', 'example.com'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[2001:DB8::1]:8080', '[2001:db8::1]'],
    ['my_service', 'my_service'],
    ['example.com:', 'example.com'],
    ['', ''],
    ['user@example.com', undefined],
    ['example.com/path', undefined],
    ['example.com evil', undefined],
    ['example.com:80:80', undefined],
    ['example.com\\evil', undefined],
    ['2001:db8::1', undefined],
    ['a"b', undefined],
  ] as const) {
    t.equal(parseHost(value), expected, JSON.stringify(value))
  }
})

t.test('whatever a client sends, the authority of its redirect is the region', async t => {
  const random = seededRandom(7)
  const pieces = [
    '/',
    '\\',
    '@',
    ':',
    '?',
    '.',
    '//',
    'evil.example',
    '%2f',
    '%00',
    ';',
    '\t',
    ' ',
    '\x85',
    '\xa0',
    'http:',
  ]
  let parsed = 0
  for (let i = 0; i < 20_000; i++) {
    let target = random() < 0.7 ? '/' : ''
    for (let n = randomInteger(random, 8); n > 0; n--) target += pieces[randomInteger(random, pieces.length)]
    const pathAndQuery = parseRequestTarget(target)?.pathAndQuery
    if (pathAndQuery === undefined) continue
    parsed++
    const location = URL.parse(`https://fra.example.com${pathAndQuery}`, 'http://router.example/')
    if (location?.origin !== 'https://fra.example.com') t.fail(JSON.stringify(target))
  }
  t.ok(parsed > 5_000, 'enough of the random targets were targets')
})
