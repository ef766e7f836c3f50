import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import {
  type AuditEventDetails,
  auditEventDetailsSchema,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import type { EventLog } from './event-log.ts'

interface StagedEvent {
  /** The log's last sequence when this was staged: it can only stand after it. */
  after: number
  event: AuditEventDetails
}

/**
 * Makes a change of the database and its audit event one: the event is staged in the same batch as the
 * change and goes to the log right after. A crash in between leaves it staged; the next start appends it,
 * unless the log has it already. So each change is logged exactly once.
 */
export class AuditOutbox {
  readonly #store: Store
  readonly #log: EventLog
  /** Told whether events reach the log, after each try. */
  readonly #onHealth: (healthy: boolean) => void
  readonly #staged: Table<StagedEvent>
  readonly #meta: Table<number>
  /** Staged and not yet in the log, oldest first. */
  #unlogged: { key: string; event: AuditEventDetails }[] = []
  #nextKey = 0

  constructor(modules: { store: Store; log: EventLog; onHealth?: (healthy: boolean) => void }) {
    this.#onHealth = modules.onHealth ?? (() => {})
    this.#store = modules.store
    this.#log = modules.log
    this.#staged = modules.store.table('audit-outbox', stagedSchema)
    this.#meta = modules.store.table(META_TABLE, wire.count)
  }

  /** The log's length as the database knows it, for `EventLog.open`. */
  static async knownSequence(store: Store): Promise<number> {
    return (await store.table(META_TABLE, wire.count).get(LAST_SEQUENCE)) ?? 0
  }

  /** Appends what a crash left staged. Call once, before anything is recorded. */
  async recover(): Promise<void> {
    for await (const [key, { after, event }] of this.#staged.entries()) {
      if (!(await this.#isLogged(after, event))) await this.#log.append(event)
      await this.#store.batch([this.#staged.deleteOperation(key)])
      this.#nextKey = Number(key) + 1
    }
  }

  /**
   * Applies a change together with its events; when this resolves, both are on disk. Events that could not
   * be logged stay staged, and go first the next time.
   * @throws {StoreError} nothing happened
   * @throws {AuditLogError} the change is made, its events are staged
   */
  async record(operations: readonly BatchOperation[], events: readonly AuditEventDetails[]): Promise<void> {
    const staged = events.map(event => ({ key: String(this.#nextKey++).padStart(12, '0'), event }))
    const after = this.#log.lastSequence
    await this.#store.batch([
      ...operations,
      ...staged.map(({ key, event }) => this.#staged.putOperation(key, { after, event })),
    ])
    this.#unlogged.push(...staged)
    await this.#logStaged()
  }

  /**
   * Tries again to log what could not be logged.
   * @throws {AuditLogError} when it still cannot
   */
  retry(): Promise<void> {
    return this.#logStaged()
  }

  async #logStaged(): Promise<void> {
    const staged = this.#unlogged.splice(0)
    const appends = await Promise.allSettled(staged.map(({ event }) => this.#log.append(event)))
    const failure = appends.find(append => append.status === 'rejected')
    // Others may have reached the log although one did not: those must not go there again.
    const logged = staged.filter((_, i) => appends[i]!.status === 'fulfilled')
    this.#unlogged.unshift(...staged.filter(event => !logged.includes(event)))
    // Need not be on disk at once, nor at all: an event found in the log is not appended again.
    const isBooked = await this.#store
      .batch(
        [
          ...logged.map(({ key }) => this.#staged.deleteOperation(key)),
          this.#meta.putOperation(LAST_SEQUENCE, this.#log.lastSequence),
        ],
        { sync: false },
      )
      .then(
        () => true,
        () => false,
      )
    if (failure !== undefined) {
      this.#onHealth(false)
      throw failure.reason
    }
    this.#onHealth(isBooked)
  }

  async #isLogged(after: number, event: AuditEventDetails): Promise<boolean> {
    const wanted = JSON.stringify(z.encode(auditEventDetailsSchema, event), bytesAsText)
    for await (const { record } of this.#log.read(after + 1, this.#log.lastSequence)) {
      const { event: logged } = openRecord(auditEventMessage, record, () => true).body
      if (JSON.stringify(z.encode(auditEventDetailsSchema, logged), bytesAsText) === wanted) return true
    }
    return false
  }
}

const META_TABLE = 'audit-meta'
const LAST_SEQUENCE = 'lastSequence'

const stagedSchema = z.strictObject({ after: wire.count, event: auditEventDetailsSchema })

const bytesAsText = (_key: string, value: unknown) =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
