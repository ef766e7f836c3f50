import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Bytes32 } from '../../protocol/ids.ts'
import { type AuditEventDetails, auditEventDetailsSchema } from '../../protocol/messages/audit-event.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import type { ContractName } from './client.ts'
import type { Publisher, TransactionOutcome } from './publisher.ts'

const CONTRACT_NAMES = [
  'creditToken',
  'staking',
  'nodeRegistry',
  'settlement',
  'auditAnchor',
  'court',
  'courtParameters',
  'jury',
] as const satisfies ContractName[]
const NO_TRANSACTION: Bytes32 = `0x${'00'.repeat(32)}`

const recordedCallSchema = z.strictObject({
  contract: z.enum(CONTRACT_NAMES),
  data: z.string(),
  event: auditEventDetailsSchema,
})
type StoredCall = z.infer<typeof recordedCallSchema>

/** Events that name the transaction which made them true. */
type TransactionEvent = Extract<AuditEventDetails, { transaction: Bytes32 }>
type WithoutTransaction<E> = E extends unknown ? Omit<E, 'transaction'> : never

export interface RecordedCall {
  /** As of a `TransactionIntent`. */
  id: string
  contract: ContractName
  data: string
  /** Becomes an audit event, with the transaction's hash, when the call is confirmed. */
  event: WithoutTransaction<TransactionEvent>
}

/** Calls whose confirmation is an audit event, exactly once, whatever crashes in between. */
export class RecordedCalls {
  readonly #publisher: Publisher
  readonly #outbox: AuditOutbox
  readonly #store: Store
  readonly #log: Logger
  readonly #pending: Table<StoredCall>
  /** Calls whose event is recorded, by id: asked for again, they are done. */
  readonly #recorded: Table<number>
  readonly #running = new Map<string, Promise<TransactionOutcome>>()

  constructor(modules: { publisher: Publisher; outbox: AuditOutbox; store: Store; log: Logger }) {
    this.#publisher = modules.publisher
    this.#outbox = modules.outbox
    this.#store = modules.store
    this.#log = modules.log
    this.#pending = modules.store.table('recorded-calls', recordedCallSchema)
    this.#recorded = modules.store.table('recorded-call-ids', wire.count)
  }

  /** Goes on, in the background, with calls a former run began. */
  async start(): Promise<void> {
    for await (const [id, call] of this.#pending.entries()) {
      this.#once(id, () => this.#finish(id, call)).catch(error =>
        this.#log.warn({ err: error, id }, 'a recorded call is interrupted'),
      )
    }
  }

  /** Sends the call and records its event; the same id is the same call, whether it still runs or is long done. */
  run(call: RecordedCall): Promise<TransactionOutcome> {
    const { id, contract, data, event } = call
    return this.#once(id, async () => {
      if ((await this.#recorded.get(id)) !== undefined) return this.#publisher.submit({ id, contract, data })
      const stored: StoredCall = {
        contract,
        data,
        event: { ...event, transaction: NO_TRANSACTION } as StoredCall['event'],
      }
      await this.#pending.put(id, stored)
      return this.#finish(id, stored)
    })
  }

  /** Whether a call is under way or was done, in this run or an earlier one. */
  async isKnown(id: string): Promise<boolean> {
    if (this.#running.has(id) || (await this.#recorded.get(id)) !== undefined) return true
    return (await this.#pending.get(id)) !== undefined
  }

  /** A call that has not ended yet, perhaps of a former run, whose id begins so; null when there is none. */
  async underWay(prefix: string): Promise<string | null> {
    for await (const [id] of this.#pending.entries({ gte: prefix, limit: 1 }))
      if (id.startsWith(prefix)) return id
    return null
  }

  #once(id: string, work: () => Promise<TransactionOutcome>): Promise<TransactionOutcome> {
    const running = this.#running.get(id) ?? work().finally(() => this.#running.delete(id))
    this.#running.set(id, running)
    return running
  }

  async #finish(id: string, call: StoredCall): Promise<TransactionOutcome> {
    const outcome = await this.#publisher.submit({ id, contract: call.contract, data: call.data })
    const done = this.#pending.deleteOperation(id)
    if (outcome.status === 'confirmed') {
      const event = { ...call.event, transaction: outcome.hash } as AuditEventDetails
      await this.#outbox.record([done, this.#recorded.putOperation(id, 1)], [event])
    } else {
      await this.#store.batch([done])
    }
    return outcome
  }
}
