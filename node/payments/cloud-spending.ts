import { minAmount } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation } from '../store/table.ts'
import type { SpendingLimit } from './spending.ts'

/** Sets an amount aside; see `CloudSpending.reserve`. */
export interface SpendingReservation {
  /** Ends it: only what was spent still counts. Idempotent. */
  settle(spent: bigint): Promise<void>
}

/** An amount that is written as spent, out of which tasks are given theirs. */
interface Lease {
  readonly name: string
  /** On disk, base units. */
  readonly size: bigint
  readonly endsAtMs: number
  /** By tasks that run, and by those that have ended. */
  held: bigint
  spent: bigint
  isClosed: boolean
}

/** So many tasks like the one that needs a lease are written with it, within a share of what remains. */
const TASKS_AHEAD = 63n
const MOST_OF_REMAINING = 16n
/** Spending counts as if at the end of its lease: a little longer, never less. */
const LEASE_MS = 60_000

/**
 * Counts what cloud services bill, at the operator's rate in credits, against the limit on spending. The most it can be
 * is taken beforehand and what is left given back afterwards. It is written for many tasks at once, so that not each
 * waits for the disk: a crash in between counts too much, never too little.
 */
export class CloudSpending {
  readonly #limit: SpendingLimit
  readonly #store: Pick<Store, 'batch'>
  readonly #clock: Clock
  #lease: Lease | null = null
  #taking: Promise<Lease> | null = null

  constructor(modules: { limit: SpendingLimit; store: Pick<Store, 'batch'>; clock: Clock }) {
    this.#limit = modules.limit
    this.#store = modules.store
    this.#clock = modules.clock
  }

  /**
   * @param amount base units, the most it may come to
   * @param purpose unique, such as the task's id and its attempt
   * @throws {PaymentError} SPENDING_LIMIT
   * @throws {StoreError} when it cannot be written; nothing is taken then
   */
  async reserve(amount: bigint, purpose: string): Promise<SpendingReservation> {
    for (;;) {
      const lease = this.#lease
      if (lease !== null && this.#hasRoom(lease, amount)) return this.#hold(lease, amount)
      if (this.#taking === null) {
        // What is taken here is held for this one before anybody else sees it.
        this.#taking = this.#take(amount, `cloud:${purpose}`).finally(() => {
          this.#taking = null
        })
        return this.#reservation(await this.#taking, amount)
      }
      await this.#taking.catch(() => {})
    }
  }

  /** Writes what was spent exactly. Idempotent. */
  async stop(): Promise<void> {
    await this.#taking?.catch(() => {})
    const lease = this.#lease
    this.#lease = null
    if (lease !== null) await this.#store.batch(this.#close(lease))
  }

  #hasRoom({ size, held, spent, endsAtMs }: Lease, amount: bigint): boolean {
    return held + spent + amount <= size && this.#clock.nowMs() < endsAtMs
  }

  #hold(lease: Lease, amount: bigint): SpendingReservation {
    this.#limit.adjust(lease.held + lease.spent + amount, lease.name)
    lease.held += amount
    return this.#reservation(lease, amount)
  }

  #reservation(lease: Lease, amount: bigint): SpendingReservation {
    let isSettled = false
    return {
      settle: async spent => {
        if (isSettled) return
        isSettled = true
        lease.held -= amount
        lease.spent += spent
        this.#limit.adjust(lease.held + lease.spent, lease.name)
        if (lease.isClosed && lease.held === 0n) await this.#store.batch(this.#rewritten(lease))
      },
    }
  }

  async #take(amount: bigint, name: string): Promise<Lease> {
    const ahead = minAmount(amount * TASKS_AHEAD, this.#limit.remaining() / MOST_OF_REMAINING)
    const taken = this.#limit.takeAhead({ amount, ahead, heldForMs: LEASE_MS }, name)
    const before = this.#lease
    this.#lease = null
    try {
      await this.#store.batch([taken, ...(before === null ? [] : this.#close(before))])
    } catch (error) {
      this.#limit.giveBack(name)
      throw error
    }
    const endsAtMs = this.#clock.nowMs() + LEASE_MS
    const lease = { name, size: amount + ahead, endsAtMs, held: amount, spent: 0n, isClosed: false }
    this.#lease = lease
    return lease
  }

  /** Nothing more is given out of it. @returns what is to be written now; the rest, when its last task has ended */
  #close(lease: Lease): BatchOperation[] {
    lease.isClosed = true
    return lease.held === 0n ? this.#rewritten(lease) : []
  }

  #rewritten({ name, spent }: Lease): BatchOperation[] {
    const givenBack = this.#limit.giveBack(name)
    return [...givenBack, ...(spent === 0n ? [] : [this.#limit.take(spent, name)])]
  }
}
