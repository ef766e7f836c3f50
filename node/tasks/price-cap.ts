import { minAmount } from '../../protocol/money.ts'

/** A part of a cap set aside for one attempt. */
export interface Hold {
  /** What it may cost, base units. */
  readonly amount: bigint
  /** Frees what is beyond `amount`: it turned out that the attempt cannot cost more. Never raises a hold. */
  lower(amount: bigint): void
  /**
   * Ends the hold: what was paid stays spent, the rest is free again. Idempotent: the first call counts.
   * @throws {RangeError} when more was paid than was held
   */
  settle(paid: bigint): void
}

/**
 * What a task may cost at most over all its attempts, those side by side too: at every moment
 * spent + held ≤ max, so that no order in which they end can break the cap.
 */
export class PriceCap {
  readonly #max: bigint | null
  #spent = 0n
  #held = 0n

  /** @param max base units; null for no cap */
  constructor(max: bigint | null) {
    this.#max = max
  }

  /** Paid over all settled attempts, base units. */
  get spent(): bigint {
    return this.#spent
  }

  /** What could be held if nothing else were, base units; null without a cap. */
  remaining(): bigint | null {
    return this.#max === null ? null : this.#max - this.#spent
  }

  /** What more could be held, base units; null without a cap. */
  available(): bigint | null {
    if (this.#max === null) return null
    const left = this.#max - this.#spent - this.#held
    return left > 0n ? left : 0n
  }

  /** Sets aside `wanted`, or as much of it as there is. */
  hold(wanted: bigint): Hold {
    const available = this.available()
    let amount = available === null ? wanted : minAmount(wanted, available)
    this.#held += amount
    let settled = false
    return {
      get amount() {
        return amount
      },
      lower: lower => {
        if (settled || lower >= amount) return
        this.#held -= amount - lower
        amount = lower
      },
      settle: paid => {
        if (settled) return
        if (paid > amount) throw new RangeError('an attempt has paid more than was held for it')
        settled = true
        this.#held -= amount
        this.#spent += paid
      },
    }
  }
}
