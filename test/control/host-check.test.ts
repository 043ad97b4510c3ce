import t from 'tap'
import { controlWorld, tokens } from '../support/control.ts'

t.test('the API answers to the names that it is known by, and to no other', async t => {
  const hosts = ['control.example.com', '*.routers.example.com', '192.0.2.7', '2001:db8::7']
  const { app } = await controlWorld({ access: { tokens, openReading: true, hosts } })
  t.teardown(() => app.close())
  for (const [host, path, status] of [
    ['localhost', '/v1/regions', 200],
    ['LOCALHOST:8081', '/v1/regions', 200],
    ['127.0.0.1:8081', '/v1/regions', 200],
    ['127.8.8.8', '/v1/regions', 200],
    ['[::1]:8081', '/v1/regions', 200],
    ['[::ffff:127.0.0.1]', '/v1/regions', 200],
    ['control.example.com', '/v1/regions', 200],
    ['Control.Example.com:443', '/v1/regions', 200],
    ['a.routers.example.com', '/v1/regions', 200],
    ['192.0.2.7:8081', '/v1/regions', 200],
    ['[2001:DB8:0::7]:8081', '/v1/regions', 200],
    ['routers.example.com', '/v1/regions', 421],
    ['control.example.com.evil.test', '/v1/regions', 421],
    ['xcontrol.example.com', '/v1/regions', 421],
    ['192.0.2.8', '/v1/regions', 421],
    ['2001:db8::7', '/v1/regions', 421],
    ['[2001:db8::7', '/v1/regions', 421],
    ['control.example.com:port', '/v1/regions', 421],
    ['evil.test', '/docs', 421],
    ['evil.test', '/v2/nothing', 421],
    ['evil.test', '/healthz', 200],
    ['evil.test', '/readyz', 200],
  ] as const) {
    const answer = await app.inject({ url: path, headers: { host } })
    t.equal(answer.statusCode, status, `${host} ${path}`)
    if (status === 421) t.match(answer.json(), { code: 'HOST_REFUSED', detail: /control\.hosts/ })
  }
})
