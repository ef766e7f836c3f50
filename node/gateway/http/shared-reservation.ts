import { minAmount } from '../../../protocol/money.ts'
import type { Purse, Reservation } from './purse.ts'

/**
 * One reservation that several tasks of one request draw from, one after the other: the payer sets money aside once, and
 * the request is settled once, at what all cost together.
 */
export class SharedReservation {
  /** For the single tasks. */
  readonly purse: Purse
  readonly #reservation: Reservation | null
  #settled = 0n

  /**
   * @param cap of the whole request, base units; without one, and where nothing is counted, each task reserves for itself
   * @throws {GatewayError} as `Purse.reserve`
   */
  static async of(
    purse: Purse,
    cap: bigint | null,
    options: { signal: AbortSignal },
  ): Promise<SharedReservation> {
    if (cap === null || purse.isUnmetered === true) return new SharedReservation(purse, null)
    return new SharedReservation(purse, await purse.reserve(cap, options))
  }

  private constructor(purse: Purse, reservation: Reservation | null) {
    this.#reservation = reservation
    this.purse = reservation === null ? purse : { reserve: async amount => this.#part(amount, reservation) }
  }

  /** Ends it at what its tasks have cost. Idempotent. */
  async settle(): Promise<void> {
    await this.#reservation?.settle(this.#settled)
  }

  #part(maxAmount: bigint, reservation: Reservation): Reservation {
    const before = this.#settled
    return {
      limit: minAmount(maxAmount, reservation.limit - before),
      spent: total => reservation.spent(before + total),
      settle: async total => {
        if (this.#settled === before) this.#settled = before + total
      },
    }
  }
}
