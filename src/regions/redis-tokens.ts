/** Tokens and audit log in Redis: a hash, and a stream that Redis itself keeps short. */

import { type Checker, checker } from '../schema.ts'
import { AuditEntry, type AuditLog, auditLimit } from './audit-log.ts'
import type { RedisAccess } from './redis-access.ts'
import { byNameAndAge, StoredToken, type TokenStore } from './token-store.ts'

const checkToken = checker(StoredToken)
const checkEntry = checker(AuditEntry)
/** Entries of the audit log in one answer of Redis, while those of one region are looked for. */
const pageSize = 500

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
  /** From `end` backwards. */
  const page = async (end: string, count: number) =>
    (await access.command('XREVRANGE', [key, end, '-', 'COUNT', count])) as StreamEntry[]
  return {
    async append(entry) {
      await access.command('XADD', [key, 'MAXLEN', '~', auditLimit, '*', 'entry', JSON.stringify(entry)])
    },
    async latest(count, region) {
      if (region === undefined) return (await page('+', count)).flatMap(entryOf)
      // The stream knows no regions, so it is read back from its end; what it may hold above its bound is passed over.
      const wanted: AuditEntry[] = []
      let end = '+'
      for (let scanned = 0; scanned < auditLimit && wanted.length < count; scanned += pageSize) {
        const found = await page(end, pageSize)
        wanted.push(...found.flatMap(entryOf).filter(entry => entry.region === region))
        if (found.length < pageSize) break
        end = `(${found.at(-1)![0]}`
      }
      return wanted.slice(0, count)
    },
  }
}

type StreamEntry = readonly [id: string, fields: readonly string[]]

function entryOf([, [, text]]: StreamEntry): AuditEntry[] {
  return parsed(text ?? '', checkEntry)
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
