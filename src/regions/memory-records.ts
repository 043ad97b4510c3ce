/** Tokens and audit log of the embedded store: plain lists in this process. */

import { type AuditEntry, type AuditLog, auditLimit } from './audit-log.ts'
import { byNameAndAge, type StoredToken, type TokenStore } from './token-store.ts'

export function createMemoryTokens(onChange: () => void): TokenStore {
  const tokens = new Map<string, StoredToken>()
  return {
    list: async () => [...tokens.values()].sort(byNameAndAge),
    async add(token) {
      tokens.set(token.id, structuredClone(token))
      onChange()
    },
    async revoke(id) {
      const known = tokens.delete(id)
      if (known) onChange()
      return known
    },
  }
}

export function createMemoryAudit(): AuditLog {
  const entries: AuditEntry[] = []
  return {
    async append(entry) {
      entries.push(structuredClone(entry))
      if (entries.length > auditLimit) entries.shift()
    },
    async latest(count, region) {
      const wanted = region === undefined ? entries : entries.filter(entry => entry.region === region)
      return wanted.slice(-count).reverse()
    },
  }
}
