import t from 'tap'
import { refusal } from '../../src/regions/redis-refusal.ts'

const nodes = [{ host: '10.0.0.1', port: 6379 }]
const sha = '77e9f2ddd0c1ab8a0b8a0d3a2b1c0d9e8f7a6b5c'

t.test('what passes is told in words that an operator knows, with the mend where there is one', async t => {
  for (const [said, told] of [
    ["Stream isn't writeable and enableOfflineQueue options is false", 'not connected; it is tried again by itself'],
    ['Connection is closed.', 'not connected; it is tried again by itself'],
    ['Command timed out', 'no answer came in time (timed out); look at its load and the network'],
    ['connect ECONNREFUSED 10.0.0.1:6379', 'connection refused (ECONNREFUSED); is it running there?'],
    ['getaddrinfo ENOTFOUND redis.invalid', 'there is no host of this name'],
    [
      `OOM command not allowed when used memory > 'maxmemory'. script: ${sha}, on @user_script:12.`,
      'its memory is full (OOM); raise maxmemory, or remove what else is kept there',
    ],
    ['LOADING Redis is loading the dataset in memory', 'it is still loading its data'],
    [
      "READONLY You can't write against a read only replica.",
      'it is a replica, which takes no writes; name the primary',
    ],
    [`ERR something new. script: ${sha}, on @user_script:3.`, 'ERR something new'],
    ['something else', 'something else'],
  ] as const) {
    const { code, message } = refusal(nodes, new Error(said))
    t.equal(code, 'STORE_UNAVAILABLE', said)
    t.equal(message, `Redis at 10.0.0.1:6379 did not take the command: ${told}`)
  }
})

t.test('what only an operator can mend makes the store unsuitable', async t => {
  t.match(refusal(nodes, new Error('NOAUTH Authentication required.')), {
    code: 'STORE_UNSUITABLE',
    message: /refuses this router: NOAUTH .*; look at user, password/,
  })
})
