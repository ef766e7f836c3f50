import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { ChangedRecords } from '../../store/changed-records.ts'
import { LatestWriter } from '../../store/latest-writer.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { GatewayError } from '../http/http-error.ts'
import { GATEWAY_ROLES, GATEWAY_SCOPES, type GatewayRole, type GatewayScope } from '../http/principal.ts'
import { type Budget, budgetSchema } from './policy.ts'
import { hashOf, hexOf, type RandomBytes, randomName, sameSecret } from './secrets.ts'

const secretSchema = z.strictObject({
  /** SHA-256, hex. */
  hash: z.string().length(64),
  /** Not taken from then on; null for as long as the key lives. */
  untilMs: z.nullable(wire.timeMs),
})

const keySchema = z.strictObject({
  id: z.string().length(12),
  tenant: z.string().max(64),
  name: z.string().max(80),
  role: z.enum(GATEWAY_ROLES),
  scopes: z.array(z.enum(GATEWAY_SCOPES)).max(GATEWAY_SCOPES.length),
  /** The newest first; the second is what a rotation left. */
  secrets: z.array(secretSchema).min(1).max(2),
  createdAtMs: wire.timeMs,
  expiresAtMs: z.nullable(wire.timeMs),
  revokedAtMs: z.nullable(wire.timeMs),
  budget: z.nullable(budgetSchema),
})
/** Apart from the key: a use that is written late must not undo what was changed since. */
const useSchema = z.strictObject({ atMs: wire.timeMs })
/** An API key as it is kept: nobody can make the key from it. */
export type ApiKey = z.output<typeof keySchema>

export interface ApiKeysModules {
  store: Store
  clock: Clock
  log: Logger
  random: RandomBytes
}

const KEY_PATTERN = /^shoal_([a-z0-9]{12})_([0-9a-f]{64})$/
const ID_LENGTH = 12
const SECRET_BYTES = 32
const MAX_KEYS = 10_000
const MAX_KEYS_OF_TENANT = 200
/** To say when a key was last used, to the minute is close enough. */
const USE_NOTED_EVERY_MS = 60_000
const REVOKED_KEPT_MS = 90 * 24 * 3_600_000

/** Whether this is written as a key of ours, however it turns out. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith('shoal_')
}

/**
 * Keys for programs, `shoal_<id>_<secret>`. Only the hash of the secret is kept; the key itself is told once. A rotated
 * key is taken beside the new one for a while, so that nothing stops meanwhile.
 */
export class ApiKeys {
  readonly #modules: ApiKeysModules
  readonly #table: Table<ApiKey>
  readonly #useTable: Table<z.output<typeof useSchema>>
  readonly #keys = new Map<string, ApiKey>()
  readonly #lastUsedMs = new Map<string, number>()
  readonly #uses: ChangedRecords
  /** One change at a time, in order. */
  readonly #changes = new LatestWriter(async () => {})

  constructor(modules: ApiKeysModules) {
    const { store, log } = modules
    this.#modules = modules
    this.#table = store.table('gatewayKeys', keySchema)
    this.#useTable = store.table('gatewayKeyUses', useSchema)
    this.#uses = new ChangedRecords({
      ...{ store, log },
      operationOf: id => this.#useTable.putOperation(id, { atMs: this.#lastUsedMs.get(id) ?? 0 }),
    })
  }

  /** Reads the keys; those revoked long ago are forgotten. @throws {StoreError} */
  async start(): Promise<void> {
    const beforeMs = this.#modules.clock.nowMs() - REVOKED_KEPT_MS
    const forgotten: string[] = []
    for await (const key of this.#table.values()) {
      if (key.revokedAtMs !== null && key.revokedAtMs < beforeMs) forgotten.push(key.id)
      else this.#keys.set(key.id, key)
    }
    for await (const [id, { atMs }] of this.#useTable.entries())
      if (this.#keys.has(id)) this.#lastUsedMs.set(id, atMs)
    if (forgotten.length === 0) return
    await this.#modules.store.batch(
      forgotten.flatMap(id => [this.#table.deleteOperation(id), this.#useTable.deleteOperation(id)]),
    )
  }

  /** Resolves when all that is known is on disk. Idempotent. */
  async stop(): Promise<void> {
    await this.#uses.settled()
  }

  /** Of one tenant, or of all; the newest first. */
  list(tenant: string | null): ApiKey[] {
    return [...this.#keys.values()]
      .filter(key => tenant === null || key.tenant === tenant)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1))
  }

  /** Null where there is none. */
  get(id: string): ApiKey | null {
    return this.#keys.get(id) ?? null
  }

  /** To the minute; null for a key that was never used. */
  lastUsedAtMs(id: string): number | null {
    return this.#lastUsedMs.get(id) ?? null
  }

  /**
   * @returns the key's record, and the key, which is never told again
   * @throws {GatewayError} CONFLICT when there are too many
   */
  async create(about: {
    tenant: string
    name: string
    role: GatewayRole
    scopes: readonly GatewayScope[]
    expiresAtMs: number | null
    budget: Budget | null
  }): Promise<{ record: ApiKey; key: string }> {
    const { clock, random } = this.#modules
    const id = randomName(ID_LENGTH, random)
    const { key, hash } = this.#newSecret(id)
    const record: ApiKey = {
      ...about,
      id,
      scopes: [...about.scopes],
      secrets: [{ hash, untilMs: null }],
      createdAtMs: clock.nowMs(),
      revokedAtMs: null,
    }
    await this.#changes.change(async () => {
      const isFull = this.#keys.size >= MAX_KEYS || this.list(about.tenant).length >= MAX_KEYS_OF_TENANT
      if (isFull) {
        throw new GatewayError('CONFLICT', 'there are too many keys', {
          fix: `A tenant may have ${MAX_KEYS_OF_TENANT}; those revoked count for 90 days.`,
        })
      }
      await this.#put(record)
    })
    return { record, key }
  }

  /**
   * Gives a key a new secret; the one before is taken for `overlapMs` more, and any older one no longer.
   * @throws {GatewayError} NOT_FOUND, CONFLICT for a key that is revoked or has expired
   */
  async rotate(id: string, overlapMs: number): Promise<{ record: ApiKey; key: string }> {
    const { key, hash } = this.#newSecret(id)
    await this.#changes.change(async () => {
      const before = this.#require(id)
      const nowMs = this.#modules.clock.nowMs()
      if (before.revokedAtMs !== null || isPast(before.expiresAtMs, nowMs)) {
        throw new GatewayError('CONFLICT', 'the key is no longer in use', { fix: 'Create a new one.' })
      }
      const [current] = before.secrets
      const overlap = overlapMs > 0 ? [{ hash: current!.hash, untilMs: nowMs + overlapMs }] : []
      await this.#put({ ...before, secrets: [{ hash, untilMs: null }, ...overlap] })
    })
    return { record: this.#require(id), key }
  }

  /** From now on it is not taken. Idempotent. @throws {GatewayError} NOT_FOUND */
  async revoke(id: string): Promise<ApiKey> {
    await this.#changes.change(async () => {
      const before = this.#require(id)
      if (before.revokedAtMs !== null) return
      const record = { ...before, revokedAtMs: this.#modules.clock.nowMs() }
      // Holds at once, also should the disk be full.
      this.#keys.set(id, record)
      await this.#table.put(id, record)
    })
    return this.#require(id)
  }

  /** The record of a key that may be used now, and null for anything else. */
  verify(text: string): ApiKey | null {
    const [, id, secret] = KEY_PATTERN.exec(text) ?? []
    if (id === undefined || secret === undefined) return null
    const key = this.#keys.get(id)
    if (key === undefined || key.revokedAtMs !== null) return null
    const nowMs = this.#modules.clock.nowMs()
    if (isPast(key.expiresAtMs, nowMs)) return null
    const hash = hashOf(secret)
    const isRight = key.secrets.some(
      ({ hash: right, untilMs }) => sameSecret(hash, right) && !isPast(untilMs, nowMs),
    )
    if (!isRight) return null
    this.#noteUse(id, nowMs)
    return key
  }

  #noteUse(id: string, nowMs: number): void {
    if (nowMs - (this.#lastUsedMs.get(id) ?? 0) < USE_NOTED_EVERY_MS) return
    this.#lastUsedMs.set(id, nowMs)
    this.#uses.note(id)
  }

  #newSecret(id: string): { key: string; hash: string } {
    const secret = hexOf(this.#modules.random(SECRET_BYTES))
    return { key: `shoal_${id}_${secret}`, hash: hashOf(secret) }
  }

  #require(id: string): ApiKey {
    const key = this.#keys.get(id)
    if (key !== undefined) return key
    throw new GatewayError('NOT_FOUND', `there is no key ${id}`, { fix: 'shoal keys list shows them.' })
  }

  /** Not in use before it is on disk. */
  async #put(record: ApiKey): Promise<void> {
    await this.#table.put(record.id, record)
    this.#keys.set(record.id, record)
  }
}

export function isPast(timeMs: number | null, nowMs: number): boolean {
  return timeMs !== null && timeMs <= nowMs
}
