/** Who pays for one request. */
export interface Purse {
  /** Set where nothing is counted: what is to be reserved need not be worked out first. */
  readonly isUnmetered?: true
  /**
   * Sets money aside before work begins, durably.
   * @param maxAmount base units the request can cost at most
   * @throws {GatewayError} PAYMENT_REQUIRED, BUDGET_EXCEEDED
   */
  reserve(maxAmount: bigint, options: { signal: AbortSignal }): Promise<Reservation>
}

/** Money set aside for one request. */
export interface Reservation {
  /** Base units the request may cost. */
  readonly limit: bigint
  /**
   * The request has cost so much by now, base units; never falls.
   * @returns resolves once the payer covers it: a voucher has come, or at once where a budget pays
   * @throws {GatewayError} PAYMENT_REQUIRED when the payer does not pay in time: the answer ends with what has come
   */
  spent(total: bigint): Promise<void>
  /** Ends it durably at its price, base units; the rest is free again. Idempotent: the first call counts. */
  settle(total: bigint): Promise<void>
  /** What became of the money that the request brought; null until it is settled. Not there for money that was there before. */
  statement?(): PaymentStatement | null
}

/** What became of a payment, in decimal credits: told at the end of the answer. */
export interface PaymentStatement {
  /** By this request. */
  paid: string
  /** What the request has cost. */
  used: string
  /** What is left, of this payment and of earlier ones, for the payer's next requests. */
  credit: string
}

/** Of the node's owner: the node's own daily limit is the only one. */
export const OWNER_PURSE: Purse = {
  isUnmetered: true,
  reserve: async maxAmount => ({ limit: maxAmount, spent: async () => {}, settle: async () => {} }),
}
