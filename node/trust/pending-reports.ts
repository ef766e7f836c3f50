import type { CidString, NodeKey } from '../../protocol/ids.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import type { Clock } from '../clock.ts'
import type { Evidence } from './evidence.ts'
import type { PaymentProof } from './paid-receipts.ts'
import type { SignedReport } from './reports.ts'

export interface PendingReportsModules {
  clock: Clock
  check: (receipt: Receipt) => Promise<PaymentProof>
  /** Whether it could count at all. */
  mayCount: (receipt: CidString, endedAtMs: number) => boolean
  /** Takes one that was paid. */
  take: (report: Extract<Evidence, { kind: 'report' }>, receipt: Receipt) => Promise<void>
}

interface Pending extends SignedReport {
  dueAtMs: number
  tries: number
}

const MAX_PENDING = 4_096
const MAX_PENDING_PER_WITNESS = 128
const MAX_CHECKS_AT_ONCE = 32
const FIRST_RETRY_MS = 10 * 60_000
const MAX_RETRY_MS = 6 * 3_600_000
const RETRY_UNKNOWN_MS = 60_000
/** Providers claim within a day unless told otherwise; what is not claimed by then is likely never. */
const GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000

/** Reports that wait for their receipts to be paid on chain. */
export class PendingReports {
  readonly #modules: PendingReportsModules
  readonly #pending = new Map<CidString, Pending>()
  readonly #perWitness = new Map<NodeKey, number>()

  constructor(modules: PendingReportsModules) {
    this.#modules = modules
  }

  get size(): number {
    return this.#pending.size
  }

  /** Takes a report in unless it waits already, could not count, or too many wait. @returns whether it waits now */
  add(report: SignedReport): boolean {
    const { receipt, witness, atMs } = report.evidence
    const ofWitness = this.#perWitness.get(witness) ?? 0
    if (this.#pending.has(receipt) || !this.#modules.mayCount(receipt, atMs)) return false
    if (this.#pending.size >= MAX_PENDING || ofWitness >= MAX_PENDING_PER_WITNESS) return false
    this.#pending.set(receipt, { ...report, dueAtMs: this.#modules.clock.nowMs(), tries: 0 })
    this.#perWitness.set(witness, ofWitness + 1)
    return true
  }

  /** Asks the chain about those that are due, a bounded number of them. */
  async checkDue(): Promise<void> {
    const nowMs = this.#modules.clock.nowMs()
    const due = [...this.#pending.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs)
    for (const pending of due.slice(0, MAX_CHECKS_AT_ONCE)) {
      const proof = await this.#modules.check(pending.receipt)
      if (proof === 'paid') {
        this.#drop(pending)
        await this.#modules.take(pending.evidence, pending.receipt)
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
  }
}
