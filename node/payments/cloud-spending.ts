import type { Store } from '../store/store.ts'
import type { SpendingLimit } from './spending.ts'

/** Sets an amount aside; see `CloudSpending.reserve`. */
export interface SpendingReservation {
  /** Ends it: only what was spent still counts. Idempotent. */
  settle(spent: bigint): Promise<void>
}

/**
 * Counts what cloud services bill, at the operator's rate in credits, against the limit on spending. The most
 * it can be is taken beforehand and what is left given back afterwards: a crash in between counts too much,
 * never too little.
 */
export class CloudSpending {
  readonly #limit: SpendingLimit
  readonly #store: Pick<Store, 'batch'>

  constructor(modules: { limit: SpendingLimit; store: Pick<Store, 'batch'> }) {
    this.#limit = modules.limit
    this.#store = modules.store
  }

  /**
   * @param amount base units, the most it may come to
   * @param purpose unique, such as the task's id and its attempt
   * @throws {PaymentError} SPENDING_LIMIT
   * @throws {StoreError} when it cannot be written; nothing is taken then
   */
  async reserve(amount: bigint, purpose: string): Promise<SpendingReservation> {
    const name = `cloud:${purpose}`
    const taken = this.#limit.take(amount, name)
    try {
      await this.#store.batch([taken])
    } catch (error) {
      this.#limit.giveBack(name)
      throw error
    }
    let isSettled = false
    return {
      settle: async spent => {
        if (isSettled) return
        isSettled = true
        const givenBack = this.#limit.giveBack(name)
        await this.#store.batch([...givenBack, ...(spent === 0n ? [] : [this.#limit.take(spent, name)])])
      },
    }
  }
}
