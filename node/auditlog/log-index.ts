import pLimit from 'p-limit'
import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Bytes32, CidString } from '../../protocol/ids.ts'
import { type AuditEventDetails, auditEventMessage } from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import type { EventLog } from './event-log.ts'

/** An anchor as our own log tells it. */
export interface LoggedAnchor {
  /** Number among ours. */
  index: number
  root: Bytes32
  firstSequence: number
  lastSequence: number
  transaction: Bytes32
}

export interface LogIndexModules {
  log: Pick<EventLog, 'lastSequence' | 'read'>
  store: Store
}

const anchorSchema = z.strictObject({
  index: wire.count,
  root: wire.bytes32,
  firstSequence: wire.count,
  lastSequence: wire.count,
  transaction: wire.bytes32,
})
/** Of all that is indexed now: a log that was indexed before for less is read again. */
const UP_TO = 'upTo2'
const BATCH = 512

/** Where receipts, adapters and anchors stand in our own log, so that a question about one does not read all of it. */
export class LogIndex {
  readonly #modules: LogIndexModules
  readonly #receipts: Table<number>
  readonly #countersigned: Table<number>
  readonly #adapters: Table<number>
  readonly #anchors: Table<LoggedAnchor>
  readonly #meta: Table<number>
  readonly #one = pLimit(1)
  #upTo: number | null = null
  #known: LoggedAnchor[] = []

  constructor(modules: LogIndexModules) {
    this.#modules = modules
    this.#receipts = modules.store.table('log-receipts', wire.count)
    this.#countersigned = modules.store.table('log-countersigned', wire.count)
    this.#adapters = modules.store.table('log-adapters', wire.count)
    this.#anchors = modules.store.table('log-anchors', anchorSchema)
    this.#meta = modules.store.table('log-index', wire.count)
  }

  /** Sequence of the event by which we issued a receipt; null when there is none. */
  async sequenceOf(receipt: CidString): Promise<number | null> {
    await this.catchUp()
    return (await this.#receipts.get(receipt)) ?? null
  }

  /** Sequence of the event by which we countersigned a receipt of another; null when there is none. */
  async sequenceOfCountersigned(receipt: CidString): Promise<number | null> {
    await this.catchUp()
    return (await this.#countersigned.get(receipt)) ?? null
  }

  /** Sequence of the event by which we accepted a version of an adapter; null when there is none. */
  async sequenceOfVersion(version: CidString): Promise<number | null> {
    await this.catchUp()
    return (await this.#adapters.get(version)) ?? null
  }

  /** All anchors, the first first. */
  async anchors(): Promise<readonly LoggedAnchor[]> {
    await this.catchUp()
    return this.#known
  }

  /** Reads what the log has more than the index. */
  catchUp(): Promise<void> {
    return this.#one(async () => {
      if (this.#upTo === null) {
        this.#known = []
        for await (const anchor of this.#anchors.values()) this.#known.push(anchor)
        this.#upTo = (await this.#meta.get(UP_TO)) ?? 0
      }
      const { log } = this.#modules
      const last = log.lastSequence
      if (this.#upTo >= last) return
      let operations: BatchOperation[] = []
      const flush = async (sequence: number) => {
        await this.#modules.store.batch([...operations, this.#meta.putOperation(UP_TO, sequence)], {
          sync: false,
        })
        operations = []
        this.#upTo = sequence
      }
      for await (const { sequence, record } of log.read(this.#upTo + 1, last)) {
        operations.push(
          ...this.#operationsOf(sequence, openRecord(auditEventMessage, record, () => true).body.event),
        )
        if (operations.length >= BATCH) await flush(sequence)
      }
      await flush(last)
    })
  }

  #operationsOf(sequence: number, event: AuditEventDetails): BatchOperation[] {
    if (event.kind === 'receipt.issued') return [this.#receipts.putOperation(event.receipt, sequence)]
    if (event.kind === 'receipt.countersigned')
      return [this.#countersigned.putOperation(event.receipt, sequence)]
    if (event.kind === 'adapter.accepted') return [this.#adapters.putOperation(event.version, sequence)]
    if (event.kind !== 'anchor.confirmed') return []
    const { root, firstSequence, lastSequence, transaction } = event
    const same = this.#known.find(anchor => anchor.firstSequence === firstSequence)
    const anchor = {
      index: same?.index ?? this.#known.length,
      root,
      firstSequence,
      lastSequence,
      transaction,
    }
    if (same === undefined) this.#known.push(anchor)
    return [this.#anchors.putOperation(String(anchor.index).padStart(10, '0'), anchor)]
  }
}
