import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import { PaymentError } from './errors.ts'

const WINDOW_MS = 24 * 3_600_000
const TIME_DIGITS = 15

const spendingSchema = z.strictObject({ atMs: wire.timeMs, amount: wire.amount })
type Spending = z.infer<typeof spendingSchema>

/** Holds the user's limit on what goes into channels within any 24 hours. Refunds do not give it back. */
export class SpendingLimit {
  readonly #limit: bigint
  readonly #table: Table<Spending>
  readonly #clock: Clock
  /** By time, as it was taken. */
  readonly #recent = new Map<string, Spending>()
  readonly #keysOf = new Map<string, Set<string>>()
  #spent = 0n

  constructor(options: { limitPerDay: bigint }, modules: { store: Store; clock: Clock }) {
    this.#limit = options.limitPerDay
    this.#table = modules.store.table('spending', spendingSchema)
    this.#clock = modules.clock
  }

  async start(): Promise<void> {
    const sinceMs = this.#clock.nowMs() - WINDOW_MS
    for await (const [key, spending] of this.#table.entries({ gte: keyOf(sinceMs, '') }))
      this.#add(key, spending)
  }

  /** What may still go into channels now, base units. */
  remaining(): bigint {
    const sinceMs = this.#clock.nowMs() - WINDOW_MS
    for (const [key, { atMs }] of this.#recent) {
      if (atMs >= sinceMs) break
      this.#drop(key)
    }
    return this.#spent < this.#limit ? this.#limit - this.#spent : 0n
  }

  /**
   * Takes `amount` from what remains, at once; the operation must be written with what is paid.
   * @param purpose unique, such as a channel's id and what is done to it
   * @throws {PaymentError} SPENDING_LIMIT
   */
  take(amount: bigint, purpose: string): BatchOperation {
    return this.takeAhead({ amount, ahead: 0n, heldForMs: 0 }, purpose)
  }

  /**
   * As `take`, and on disk `ahead` more, so that `adjust` can raise what is taken without the disk: a crash counts it all.
   * @param taking.heldForMs how long it may be raised; it counts so much longer
   * @throws {PaymentError} SPENDING_LIMIT
   */
  takeAhead(
    { amount, ahead, heldForMs }: { amount: bigint; ahead: bigint; heldForMs: number },
    purpose: string,
  ): BatchOperation {
    this.#require(amount)
    const atMs = this.#clock.nowMs() + heldForMs
    const key = keyOf(atMs, purpose)
    this.#add(key, { atMs, amount })
    return this.#table.putOperation(key, { atMs, amount: amount + ahead })
  }

  /**
   * Sets what was taken for a purpose to another amount, at once and in memory alone; no more than is on disk for it.
   * @throws {PaymentError} SPENDING_LIMIT when it rises by more than remains
   */
  adjust(amount: bigint, purpose: string): void {
    const [key] = this.#keysOf.get(purpose) ?? []
    const taken = key === undefined ? undefined : this.#recent.get(key)
    if (taken === undefined) return
    this.#require(amount - taken.amount)
    this.#spent += amount - taken.amount
    taken.amount = amount
  }

  /** Gives back what was taken for something that did not happen. */
  giveBack(purpose: string): BatchOperation[] {
    const keys = [...(this.#keysOf.get(purpose) ?? [])]
    for (const key of keys) this.#drop(key)
    return keys.map(key => this.#table.deleteOperation(key))
  }

  #require(amount: bigint): void {
    const remaining = this.remaining()
    if (amount <= remaining) return
    throw new PaymentError(
      'SPENDING_LIMIT',
      `your limit leaves ${formatCredits(remaining)} credits to spend today`,
      {
        fix: 'Raise spending.limitPerDay (--spending-limit), or wait.',
        details: { needed: formatCredits(amount), remaining: formatCredits(remaining) },
      },
    )
  }

  #add(key: string, spending: Spending): void {
    this.#drop(key)
    this.#recent.set(key, spending)
    this.#spent += spending.amount
    const purpose = purposeOf(key)
    const keys = this.#keysOf.get(purpose)
    if (keys === undefined) this.#keysOf.set(purpose, new Set([key]))
    else keys.add(key)
  }

  #drop(key: string): void {
    const spending = this.#recent.get(key)
    if (spending === undefined) return
    this.#recent.delete(key)
    this.#spent -= spending.amount
    const purpose = purposeOf(key)
    const keys = this.#keysOf.get(purpose)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(purpose)
  }
}

function purposeOf(key: string): string {
  return key.slice(TIME_DIGITS + 1)
}

function keyOf(atMs: number, purpose: string): string {
  return `${String(Math.max(0, atMs)).padStart(TIME_DIGITS, '0')}/${purpose}`
}
