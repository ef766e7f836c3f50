import { maxAmount, minAmount } from '../../protocol/money.ts'

/** Tasks like the one at hand that a stranger's channel has room for. */
const TASKS_AHEAD = 4n
/** A provider of at least this reliability gets a whole deposit. */
const TRUSTED = 0.5
const PARTS = 1_000n

/**
 * What is put into a channel: with a stranger as much as a few such tasks can cost, with a provider that has
 * proven itself a whole deposit, in between in proportion. What is locked up with somebody who turns out to be
 * of no use comes back only after a delay.
 * @param needed what the task at hand can cost, base units: never less
 * @param full a whole deposit
 * @param reliability of the provider by our own reckoning, 0 to 1
 */
export function channelDeposit(needed: bigint, full: bigint, reliability: number): bigint {
  const share = Math.min(1, Math.max(0, reliability) / TRUSTED)
  const earned = (full * BigInt(Math.round(share * Number(PARTS)))) / PARTS
  const room = minAmount(needed * TASKS_AHEAD, full)
  return maxAmount(needed, maxAmount(room, earned))
}
