import { z } from 'zod'
import { sameBytes, wire } from '../../protocol/codec.ts'
import type { DataClass } from '../../protocol/data-class.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import { MAX_RECEIPTS_PER_REPORT } from '../../protocol/limits.ts'
import type { Countersignature } from '../../protocol/messages/countersignature.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import {
  type ReportedResult,
  type ReportedTask,
  reportedTaskSchema,
} from '../../protocol/messages/reputation-report.ts'
import type { SignedRecord } from '../../protocol/signed.ts'
import type { Logger } from '../log.ts'
import { ChangedRecords } from '../store/changed-records.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'

const MAX_WAITING = 512
const MAX_PER_PROVIDER = 8
/** The digest of a shorter answer would let everybody try out what it was. */
const MIN_OUTPUT_TOKENS = 16
/** Classes whose receipts may be seen by all: they tell who asked whom, which model, how much, never what. */
const REPORTED_CLASSES: ReadonlySet<DataClass> = new Set(['PUBLIC', 'SHARED'])
const KEY_DIGITS = 15

const storedSchema = z.strictObject({ provider: wire.nodeKey, task: reportedTaskSchema })

interface Waiting {
  /** Rises with each, over restarts too. */
  number: number
  provider: NodeKey
  task: ReportedTask
}

export interface OwnReportsModules {
  store: Store
  log: Logger
}

/** What we have to report of our own tasks, until a bundle with it has gone; it outlives the process. */
export class OwnReports {
  readonly #table: Table<z.infer<typeof storedSchema>>
  readonly #changes: ChangedRecords
  /** In the order of arrival; of each provider a few at most. */
  #waiting: Waiting[] = []
  /** Of the bundle that is on its way: no longer changed, and not yet forgotten. */
  #going: readonly Waiting[] = []
  #last = 0

  constructor(modules: OwnReportsModules) {
    this.#table = modules.store.table('trust-own-reports', storedSchema)
    this.#changes = new ChangedRecords({
      ...modules,
      operationOf: key => {
        const number = Number(key)
        const isIt = (waiting: Waiting) => waiting.number === number
        const waiting = this.#waiting.find(isIt) ?? this.#going.find(isIt)
        if (waiting === undefined) return this.#table.deleteOperation(key)
        return this.#table.putOperation(key, { provider: waiting.provider, task: waiting.task })
      },
    })
  }

  /** Reads back what has not been reported. @throws {StoreError} STORE_CORRUPT */
  async start(): Promise<void> {
    for await (const [key, stored] of this.#table.entries()) {
      this.#last = Number(key)
      this.#waiting.push({ number: this.#last, ...stored })
    }
  }

  /** Resolves when what waits is on disk. Idempotent. */
  async stop(): Promise<void> {
    await this.#changes.settled()
  }

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
    if (same.length >= MAX_PER_PROVIDER) this.#forget([same[0]!])
    const waiting = { number: ++this.#last, provider, task }
    this.#waiting.push(waiting)
    this.#note(waiting)
    if (this.#waiting.length > MAX_WAITING) this.#forget([this.#waiting[0]!])
  }

  /**
   * We have learned more of a provider: a task went badly, or an audit passed. Such tasks often end without a receipt:
   * the latest one of the same provider that has not been reported yet stands for it.
   */
  learned(provider: NodeKey, result: Exclude<ReportedResult, 'completed'>): void {
    const good = this.#waiting.findLast(
      waiting => waiting.provider === provider && waiting.task.result === 'completed',
    )
    if (good === undefined) return
    good.task = { ...good.task, result }
    this.#note(good)
  }

  /**
   * Tells what is next to be told, if there is anything, and forgets it once it has been told. Where all ends between,
   * it is told again, which changes nothing: a receipt counts once.
   * @param tell publishes one bundle; what it throws is thrown on, and the bundle waits for the next time
   */
  async report(tell: (tasks: ReportedTask[]) => Promise<void>): Promise<void> {
    if (this.#going.length > 0 || this.#waiting.length === 0) return
    this.#going = this.#waiting.splice(0, MAX_RECEIPTS_PER_REPORT)
    const going = this.#going
    try {
      await tell(going.map(({ task }) => task))
    } catch (error) {
      this.#waiting = [...going, ...this.#waiting]
      throw error
    } finally {
      this.#going = []
    }
    for (const waiting of going) this.#note(waiting)
  }

  /** A task was not done honestly, as an audit of its receipt found: that is told with this receipt, before all else. */
  accuse(
    record: SignedRecord<Receipt>,
    countersignature: SignedRecord<Countersignature>,
    dataClass: DataClass,
  ): void {
    const { provider, amount, outputTokens } = record.body
    if (!REPORTED_CLASSES.has(dataClass) || outputTokens < MIN_OUTPUT_TOKENS || amount === 0n) return
    this.#forget(this.#waiting.filter(({ task }) => sameBytes(task.receipt, record.bytes)))
    const task = {
      ...{ receipt: record.bytes, countersignature: countersignature.bytes },
      result: 'dishonest',
    } as const
    const waiting = { number: ++this.#last, provider, task }
    this.#waiting.unshift(waiting)
    this.#note(waiting)
    if (this.#waiting.length > MAX_WAITING) this.#forget([this.#waiting.at(-1)!])
  }

  #forget(gone: readonly Waiting[]): void {
    this.#waiting = this.#waiting.filter(waiting => !gone.includes(waiting))
    for (const waiting of gone) this.#note(waiting)
  }

  #note({ number }: Waiting): void {
    this.#changes.note(String(number).padStart(KEY_DIGITS, '0'))
  }
}
