import type { CanonicalMessage } from '../inference/canonical-request.ts'
import type { ResponseBody } from './responses-schema.ts'

/** A response with the conversation that it ended. */
export interface StoredResponse {
  body: ResponseBody
  /** Instructions are not among them: each request says its own. */
  messages: readonly CanonicalMessage[]
}

export interface ResponseStoreOptions {
  /** Responses kept for one tenant. */
  maxPerTenant?: number
  /** Characters kept over all tenants. */
  maxChars?: number
}

interface Entry {
  tenant: string
  stored: StoredResponse
  chars: number
}

const MAX_PER_TENANT = 256
const MAX_CHARS = 64 * 1_048_576

/**
 * Responses that may be gone on from, by tenant: in memory, the oldest given up first. What people say is not written
 * to the disk for it.
 */
export class ResponseStore {
  readonly #maxPerTenant: number
  readonly #maxChars: number
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>()
  readonly #counts = new Map<string, number>()
  #chars = 0

  constructor(options: ResponseStoreOptions = {}) {
    this.#maxPerTenant = options.maxPerTenant ?? MAX_PER_TENANT
    this.#maxChars = options.maxChars ?? MAX_CHARS
  }

  put(tenant: string, stored: StoredResponse): void {
    const chars = JSON.stringify(stored).length
    if (chars > this.#maxChars) return
    this.#entries.set(stored.body.id, { tenant, stored, chars })
    this.#counts.set(tenant, (this.#counts.get(tenant) ?? 0) + 1)
    this.#chars += chars
    if (this.#counts.get(tenant)! > this.#maxPerTenant) this.#dropOldest(entry => entry.tenant === tenant)
    while (this.#chars > this.#maxChars) this.#dropOldest(() => true)
  }

  /** Null where this tenant has none of that id. */
  get(tenant: string, id: string): StoredResponse | null {
    const entry = this.#entries.get(id)
    return entry?.tenant === tenant ? entry.stored : null
  }

  /** @returns whether there was one */
  delete(tenant: string, id: string): boolean {
    if (this.get(tenant, id) === null) return false
    this.#drop(id)
    return true
  }

  #dropOldest(isMeant: (entry: Entry) => boolean): void {
    for (const [id, entry] of this.#entries) {
      if (!isMeant(entry)) continue
      this.#drop(id)
      return
    }
  }

  #drop(id: string): void {
    const { tenant, chars } = this.#entries.get(id)!
    this.#entries.delete(id)
    this.#chars -= chars
    const left = this.#counts.get(tenant)! - 1
    if (left === 0) this.#counts.delete(tenant)
    else this.#counts.set(tenant, left)
  }
}
