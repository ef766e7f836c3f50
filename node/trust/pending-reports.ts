import { z } from 'zod'
import type { CidString, NodeKey } from '../../protocol/ids.ts'
import { type Receipt, receiptMessage } from '../../protocol/messages/receipt.ts'
import { REPORTED_RESULTS } from '../../protocol/messages/reputation-report.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { ChangedRecords } from '../store/changed-records.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import type { Evidence } from './evidence.ts'
import type { PaymentProof } from './paid-receipts.ts'
import type { SignedReport } from './reports.ts'

export interface PendingReportsModules {
  store: Store
  clock: Clock
  log: Logger
  check: (receipt: Receipt) => Promise<PaymentProof>
  /** Whether it could count at all. */
  mayCount: (receipt: CidString, endedAtMs: number) => boolean
  /** Takes one that was paid; a second time changes nothing. */
  take: (report: Extract<Evidence, { kind: 'report' }>, receipt: Receipt) => Promise<void>
}

interface Pending extends SignedReport {
  dueAtMs: number
  tries: number
}

/** The receipt says all else. */
const storedSchema = z.strictObject({ receipt: receiptMessage.schema, result: z.enum(REPORTED_RESULTS) })

const MAX_PENDING = 4_096
const MAX_PENDING_PER_WITNESS = 128
const MAX_CHECKS_AT_ONCE = 32
const FIRST_RETRY_MS = 10 * 60_000
const MAX_RETRY_MS = 6 * 3_600_000
const RETRY_UNKNOWN_MS = 60_000
/** Providers claim within a day unless told otherwise; what is not claimed by then is likely never. */
const GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000

/** Reports that wait for their receipts to be paid on chain; they outlive the process. */
export class PendingReports {
  readonly #modules: PendingReportsModules
  readonly #table: Table<z.infer<typeof storedSchema>>
  readonly #changes: ChangedRecords
  readonly #pending = new Map<CidString, Pending>()
  readonly #perWitness = new Map<NodeKey, number>()
  #checking: Promise<void> | null = null

  constructor(modules: PendingReportsModules) {
    this.#modules = modules
    this.#table = modules.store.table('trust-pending', storedSchema)
    this.#changes = new ChangedRecords({
      ...modules,
      operationOf: cid => {
        const pending = this.#pending.get(cid)
        if (pending === undefined) return this.#table.deleteOperation(cid)
        return this.#table.putOperation(cid, { receipt: pending.receipt, result: pending.evidence.result })
      },
    })
  }

  /** Reads back what waits; what has counted since, or is too old, is forgotten. @throws {StoreError} STORE_CORRUPT */
  async start(): Promise<void> {
    for await (const [cid, { receipt, result }] of this.#table.entries()) {
      const { requester: witness, provider: peer, endedAtMs: atMs } = receipt
      const evidence = { kind: 'report', peer, witness, receipt: cid, result, atMs } as const
      if (!this.#admit({ evidence, receipt })) this.#changes.note(cid)
    }
  }

  /** Resolves when what waits is on disk. Idempotent. */
  async stop(): Promise<void> {
    await this.#changes.settled()
  }

  get size(): number {
    return this.#pending.size
  }

  /** Takes a report in unless it waits already, could not count, or too many wait. @returns whether it waits now */
  add(report: SignedReport): boolean {
    const isAdmitted = this.#admit(report)
    if (isAdmitted) this.#changes.note(report.evidence.receipt)
    return isAdmitted
  }

  #admit(report: SignedReport): boolean {
    const { receipt, witness, atMs } = report.evidence
    const ofWitness = this.#perWitness.get(witness) ?? 0
    if (this.#pending.has(receipt) || !this.#modules.mayCount(receipt, atMs)) return false
    if (this.#pending.size >= MAX_PENDING || ofWitness >= MAX_PENDING_PER_WITNESS) return false
    this.#pending.set(receipt, { ...report, dueAtMs: this.#modules.clock.nowMs(), tries: 0 })
    this.#perWitness.set(witness, ofWitness + 1)
    return true
  }

  /** Asks the chain about those that are due, a bounded number of them; who asks meanwhile waits for the same. */
  checkDue(): Promise<void> {
    this.#checking ??= this.#checkDue().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async #checkDue(): Promise<void> {
    const nowMs = this.#modules.clock.nowMs()
    const due = [...this.#pending.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs)
    for (const pending of due.slice(0, MAX_CHECKS_AT_ONCE)) {
      const proof = await this.#modules.check(pending.receipt)
      if (proof === 'paid') {
        // Forgotten only once it has counted: if all ends between, it is found to have counted.
        await this.#modules.take(pending.evidence, pending.receipt)
        this.#drop(pending)
      } else if (proof === 'false' || nowMs - pending.evidence.atMs > GIVE_UP_AFTER_MS) {
        this.#drop(pending)
      } else if (proof === 'unknown') {
        pending.dueAtMs = nowMs + RETRY_UNKNOWN_MS
      } else {
        pending.dueAtMs = nowMs + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** pending.tries++)
      }
    }
  }

  #drop({ evidence: { receipt, witness } }: Pending): void {
    this.#pending.delete(receipt)
    const left = this.#perWitness.get(witness)! - 1
    if (left === 0) this.#perWitness.delete(witness)
    else this.#perWitness.set(witness, left)
    this.#changes.note(receipt)
  }
}
