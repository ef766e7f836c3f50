import { sameBytes } from '../../protocol/codec.ts'
import type { DataClass } from '../../protocol/data-class.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import { MAX_RECEIPTS_PER_REPORT } from '../../protocol/limits.ts'
import type { Countersignature } from '../../protocol/messages/countersignature.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import type { ReportedResult, ReportedTask } from '../../protocol/messages/reputation-report.ts'
import type { SignedRecord } from '../../protocol/signed.ts'

const MAX_WAITING = 512
const MAX_PER_PROVIDER = 8
/** The digest of a shorter answer would let everybody try out what it was. */
const MIN_OUTPUT_TOKENS = 16
/** Classes whose receipts may be seen by all: they tell who asked whom, which model, how much, never what. */
const REPORTED_CLASSES: ReadonlySet<DataClass> = new Set(['PUBLIC', 'SHARED'])

/** What we have to report of our own tasks, until the next bundle goes. */
export class OwnReports {
  /** In the order of arrival; of each provider a few at most. */
  readonly #waiting: { provider: NodeKey; amount: bigint; task: ReportedTask }[] = []

  /** We have paid for a task: the receipt is what a report stands on. */
  receiptTaken(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
    dataClass: DataClass,
  ): void {
    const { provider, amount, outputTokens, reason } = record.body
    const isSafe = REPORTED_CLASSES.has(dataClass) && outputTokens >= MIN_OUTPUT_TOKENS
    if (!isSafe || amount === 0n) return
    const result = reason === 'failed' ? 'failed' : 'completed'
    const task = { receipt: record.bytes, countersignature: countersignature.bytes, result } as const
    const same = this.#waiting.filter(waiting => waiting.provider === provider)
    if (same.length >= MAX_PER_PROVIDER) this.#waiting.splice(this.#waiting.indexOf(same[0]!), 1)
    this.#waiting.push({ provider, amount, task })
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
  }

  /**
   * We have learned more of a provider: a task went badly, or an audit passed. Such tasks often end without a receipt:
   * the latest one of the same provider that has not been reported yet stands for it.
   */
  learned(provider: NodeKey, result: Exclude<ReportedResult, 'completed'>): void {
    const good = this.#waiting.findLast(
      waiting => waiting.provider === provider && waiting.task.result === 'completed',
    )
    if (good !== undefined) good.task = { ...good.task, result }
  }

  /** A task was not done honestly, as an audit of its receipt found: that is told with this receipt, and no other. */
  accuse(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
    dataClass: DataClass,
  ): void {
    const { provider, amount, outputTokens } = record.body
    if (!REPORTED_CLASSES.has(dataClass) || outputTokens < MIN_OUTPUT_TOKENS || amount === 0n) return
    const known = this.#waiting.findIndex(({ task }) => sameBytes(task.receipt, record.bytes))
    if (known >= 0) this.#waiting.splice(known, 1)
    const task = {
      receipt: record.bytes,
      countersignature: countersignature.bytes,
      result: 'dishonest',
    } as const
    this.#waiting.unshift({ provider, amount, task })
    if (this.#waiting.length > MAX_WAITING) this.#waiting.pop()
  }

  /** What goes into the next bundle; it is not given out again. */
  takeBundle(): ReportedTask[] {
    return this.#waiting.splice(0, MAX_RECEIPTS_PER_REPORT).map(({ task }) => task)
  }
}
