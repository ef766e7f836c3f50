import type { CidString } from './ids.ts'
import type { Auction, Bid } from './messages/bid.ts'
import { costRoundedUp, maxAmount, minAmount, type TokenPrice } from './money.ts'

/** What of an announcement decides about prices. */
export interface AuctionTerms {
  auction: Auction
  /** What the prompt can have at most. */
  promptTokens: number
  maxTokens: number
  /** Base units the prompt and the longest answer may cost at most. */
  reserve: bigint
}

/** What the announced task costs at most at a price, base units: what bids are compared by. */
export function announcedCost(terms: AuctionTerms, price: TokenPrice): bigint {
  return costRoundedUp(price, { inputTokens: terms.promptTokens, outputTokens: terms.maxTokens })
}

/** Whether a bid may win at all. */
export function isWithinReserve(terms: AuctionTerms, bid: TokenPrice): boolean {
  return announcedCost(terms, bid) <= terms.reserve
}

/** Puts the bid that wins first: the lowest announced cost, and of equal ones the lower CID. */
export function compareBids<T extends { cid: CidString; body: Bid }>(
  terms: AuctionTerms,
): (a: T, b: T) => number {
  return (a, b) => {
    const difference = announcedCost(terms, a.body) - announcedCost(terms, b.body)
    if (difference !== 0n) return difference < 0n ? -1 : 1
    return a.cid < b.cid ? -1 : a.cid > b.cid ? 1 : 0
  }
}

/**
 * What the winner of an auction is paid; requester and provider compute it alike.
 *
 * `first-price`: its bid. `second-price` (Vickrey 1961): as much as the announced task would have cost at
 * the next best bid, or the reserve where nobody else bid; never more than at the price the winner's own
 * offer states, since that is open to the requester anyway. Written as prices for tokens, that is the bid
 * scaled by `second cost / own cost` and rounded down: at the announced counts it comes to the second cost
 * at most, and is never below the bid. For bids of a given proportion of input and output, the payment for
 * any use does not depend on the bid, so that to bid one's true cost is a dominant strategy.
 *
 * @param prices.bid the winner's
 * @param prices.runnerUp the next best bid; null where there was none
 * @param prices.listed the winner's by the offer the task names
 */
export function awardedPrice(
  terms: AuctionTerms,
  prices: { bid: TokenPrice; runnerUp: TokenPrice | null; listed: TokenPrice },
): TokenPrice {
  const { bid, runnerUp, listed } = prices
  const { inputPerMillion, outputPerMillion } = bid
  if (terms.auction === 'first-price') return { inputPerMillion, outputPerMillion }
  const own = announcedCost(terms, bid)
  const next = runnerUp === null ? terms.reserve : minAmount(announcedCost(terms, runnerUp), terms.reserve)
  const open = announcedCost(terms, listed)
  const second = minAmount(next, open)
  if (second <= own) return { inputPerMillion, outputPerMillion }
  if (own > 0n) return scaled(bid, second, own)
  // A bid that costs nothing has no proportion of its own: it takes that of the offer. Only a price for
  // input where none was announced can be above that; it adds nothing to the announced cost, and stays.
  const offered = scaled(listed, second, open)
  return {
    inputPerMillion: maxAmount(inputPerMillion, offered.inputPerMillion),
    outputPerMillion: maxAmount(outputPerMillion, offered.outputPerMillion),
  }
}

function scaled(price: TokenPrice, numerator: bigint, denominator: bigint): TokenPrice {
  return {
    inputPerMillion: (price.inputPerMillion * numerator) / denominator,
    outputPerMillion: (price.outputPerMillion * numerator) / denominator,
  }
}
