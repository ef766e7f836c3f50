import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import { PaymentError } from './errors.ts'

const WINDOW_MS = 24 * 3_600_000

const spendingSchema = z.strictObject({ atMs: wire.timeMs, amount: wire.amount })
type Spending = z.infer<typeof spendingSchema>

/** Holds the user's limit on what goes into channels within any 24 hours. Refunds do not give it back. */
export class SpendingLimit {
  readonly #limit: bigint
  readonly #table: Table<Spending>
  readonly #clock: Clock
  readonly #recent = new Map<string, Spending>()

  constructor(options: { limitPerDay: bigint }, modules: { store: Store; clock: Clock }) {
    this.#limit = options.limitPerDay
    this.#table = modules.store.table('spending', spendingSchema)
    this.#clock = modules.clock
  }

  async start(): Promise<void> {
    const sinceMs = this.#clock.nowMs() - WINDOW_MS
    for await (const [key, spending] of this.#table.entries({ gte: keyOf(sinceMs, '') }))
      this.#recent.set(key, spending)
  }

  /** What may still go into channels now, base units. */
  remaining(): bigint {
    const sinceMs = this.#clock.nowMs() - WINDOW_MS
    let spent = 0n
    for (const [key, { atMs, amount }] of this.#recent) {
      if (atMs < sinceMs) this.#recent.delete(key)
      else spent += amount
    }
    return spent < this.#limit ? this.#limit - spent : 0n
  }

  /**
   * Takes `amount` from what remains, at once; the operation must be written with what is paid.
   * @param purpose unique, such as a channel's id and what is done to it
   * @throws {PaymentError} SPENDING_LIMIT
   */
  take(amount: bigint, purpose: string): BatchOperation {
    const remaining = this.remaining()
    if (amount > remaining) {
      throw new PaymentError(
        'SPENDING_LIMIT',
        `your limit leaves ${formatCredits(remaining)} credits to spend today`,
        {
          fix: 'Raise spending.limitPerDay (--spending-limit), or wait.',
          details: { needed: formatCredits(amount), remaining: formatCredits(remaining) },
        },
      )
    }
    const atMs = this.#clock.nowMs()
    const key = keyOf(atMs, purpose)
    this.#recent.set(key, { atMs, amount })
    return this.#table.putOperation(key, { atMs, amount })
  }

  /** Gives back what was taken for something that did not happen. */
  giveBack(purpose: string): BatchOperation[] {
    const keys = [...this.#recent.keys()].filter(key => key.endsWith(`/${purpose}`))
    for (const key of keys) this.#recent.delete(key)
    return keys.map(key => this.#table.deleteOperation(key))
  }
}

function keyOf(atMs: number, purpose: string): string {
  return `${String(Math.max(0, atMs)).padStart(15, '0')}/${purpose}`
}
