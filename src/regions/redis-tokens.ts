/** Tokens and audit log in Redis: a hash, and a stream that Redis itself keeps short. */

import { type Checker, checker } from '../schema.ts'
import { AuditEntry, type AuditLog, auditLimit } from './audit-log.ts'
import type { RedisAccess } from './redis-access.ts'
import { byNameAndAge, StoredToken, type TokenStore } from './token-store.ts'

const checkToken = checker(StoredToken)
const checkEntry = checker(AuditEntry)

export function createRedisTokens(access: RedisAccess): TokenStore {
  return {
    async list() {
      const texts = (await access.command('HVALS', [access.key('tokens')])) as string[]
      return texts.flatMap(text => parsed(text, checkToken)).sort(byNameAndAge)
    },
    async add(token) {
      await access.run('addToken', [token.id, JSON.stringify(token), access.channel])
    },
    async revoke(id) {
      return (await access.run('revokeToken', [id, access.channel]))[1] === 1
    },
  }
}

export function createRedisAudit(access: RedisAccess): AuditLog {
  const key = access.key('audit')
  return {
    async append(entry) {
      await access.command('XADD', [key, 'MAXLEN', '~', auditLimit, '*', 'entry', JSON.stringify(entry)])
    },
    async latest(count) {
      const found = (await access.command('XREVRANGE', [key, '+', '-', 'COUNT', count])) as [string, string[]][]
      return found.flatMap(([, [, text]]) => parsed(text ?? '', checkEntry))
    },
  }
}

/** Nothing for what does not pass: a token that cannot be read lets nobody in. */
function parsed<T>(text: string, check: Checker<T>): T[] {
  try {
    const checked = check(JSON.parse(text))
    return checked.ok ? [checked.value] : []
  } catch {
    return []
  }
}
