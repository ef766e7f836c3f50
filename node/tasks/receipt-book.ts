import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { DataClass } from '../../protocol/data-class.ts'
import type { CidString } from '../../protocol/ids.ts'
import { type Countersignature, countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import { type Receipt, receiptMessage } from '../../protocol/messages/receipt.ts'
import { openRecord, type SignedRecord } from '../../protocol/signed.ts'
import { receiptClaim } from '../../protocol/typed-data.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import type { AcceptedTask } from '../trust/audits/archived-task.ts'

const storedReceiptSchema = z.strictObject({
  role: z.enum(['requester', 'provider']),
  /** The provider's signed receipt. */
  record: wire.bytes(receiptMessage.maxBytes + 512),
  /** The requester's signed countersignature; null while it has not come. */
  countersignature: z.nullable(wire.bytes(countersignatureMessage.maxBytes + 512)),
})
type StoredReceipt = z.infer<typeof storedReceiptSchema>

export interface BookedReceipt {
  role: 'requester' | 'provider'
  cid: CidString
  receipt: Receipt
  record: Uint8Array
  countersignature: Uint8Array | null
}

/** Told of each receipt we have accepted as requester, once it is on disk. */
export type ReceiptListener = (
  record: SignedRecord<Receipt>,
  countersignature: SignedRecord<Countersignature>,
  dataClass: DataClass,
) => void

/** Receipts of tasks we asked for and of tasks we did; each with its audit event. */
export class ReceiptBook {
  readonly #outbox: AuditOutbox
  readonly #onCountersigned: ReceiptListener
  readonly #alsoWrite: (task: AcceptedTask) => readonly BatchOperation[]
  readonly #table: Table<StoredReceipt>
  /** Where a receipt of a CID is. */
  readonly #keys: Table<string>

  /** @param modules.alsoWrite what is to be written together with a receipt we accept as requester */
  constructor(modules: {
    store: Store
    outbox: AuditOutbox
    onCountersigned?: ReceiptListener
    alsoWrite?: (task: AcceptedTask) => readonly BatchOperation[]
  }) {
    this.#outbox = modules.outbox
    this.#alsoWrite = modules.alsoWrite ?? (() => [])
    this.#onCountersigned = modules.onCountersigned ?? (() => {})
    this.#table = modules.store.table('receipts', storedReceiptSchema)
    this.#keys = modules.store.table('receipt-keys', z.string())
  }

  /** A receipt we made as provider; on disk and logged when this resolves. */
  async issue(record: SignedRecord<Receipt>): Promise<void> {
    const { body, cid, bytes } = record
    const stored: StoredReceipt = { role: 'provider', record: bytes, countersignature: null }
    await this.#outbox.record(this.#putOperations(cid, keyOf(body, 'provider'), stored), [
      { kind: 'receipt.issued', ...logged(record) },
    ])
  }

  /** The requester has countersigned a receipt we issued. */
  async complete(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
  ): Promise<void> {
    await this.#table.put(keyOf(record.body, 'provider'), {
      role: 'provider',
      record: record.bytes,
      countersignature: countersignature.bytes,
    })
  }

  /** A receipt we accept as requester; on disk and logged when this resolves. */
  async countersign(task: AcceptedTask): Promise<void> {
    const { record, countersignature, request } = task
    const { body, cid, bytes } = record
    const stored: StoredReceipt = {
      role: 'requester',
      record: bytes,
      countersignature: countersignature.bytes,
    }
    await this.#outbox.record(
      [...this.#putOperations(cid, keyOf(body, 'requester'), stored), ...this.#alsoWrite(task)],
      [{ kind: 'receipt.countersigned', ...logged(record) }],
    )
    this.#onCountersigned(record, countersignature, request.dataClass)
  }

  /** Receipts, the newest first. */
  async *list(options: { limit?: number } = {}): AsyncGenerator<BookedReceipt> {
    for await (const { role, record, countersignature } of this.#table.values({
      reverse: true,
      ...options,
    })) {
      yield bookedOf({ role, record, countersignature })
    }
  }

  /** A receipt by its CID; null where there is none. */
  async find(cid: CidString): Promise<BookedReceipt | null> {
    const key = await this.#keys.get(cid)
    const stored = key === undefined ? undefined : await this.#table.get(key)
    return stored === undefined ? null : bookedOf(stored)
  }

  #putOperations(cid: CidString, key: string, stored: StoredReceipt): BatchOperation[] {
    return [this.#table.putOperation(key, stored), this.#keys.putOperation(cid, key)]
  }
}

/** Checked when it was stored. */
function bookedOf({ role, record, countersignature }: StoredReceipt): BookedReceipt {
  const { body, cid } = openRecord(receiptMessage, record, () => true)
  return { role, cid, receipt: body, record, countersignature }
}

function keyOf({ endedAtMs, taskId, attempt }: Receipt, role: StoredReceipt['role']): string {
  return `${String(endedAtMs).padStart(15, '0')}-${taskId}-${String(attempt).padStart(3, '0')}-${role}`
}

/** What the audit log has of a receipt. */
function logged({ cid, body }: SignedRecord<Receipt>) {
  const { taskId, amount, reason } = body
  return { v: 1, receipt: cid, claim: receiptClaim(body), taskId, amount, reason } as const
}
