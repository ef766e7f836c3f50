import { awardedPrice } from '../../protocol/auction.ts'
import { AUCTIONS, type Auction } from '../../protocol/messages/bid.ts'
import { CREDIT, type TokenPrice } from '../../protocol/money.ts'

/** A pair of prices, decimal. */
type PriceText = [inputPerMillion: string, outputPerMillion: string]

/** What the winner of an auction is paid, base units per million tokens. */
export interface AwardVector {
  auction: Auction
  promptTokens: number
  maxTokens: number
  reserve: string
  bid: PriceText
  runnerUp: PriceText | null
  listed: PriceText
  price: PriceText
}

export function awardVectors(): AwardVector[] {
  const bids: [bid: TokenPrice, runnerUp: TokenPrice | null, reserve: bigint, promptTokens?: number][] = [
    [price(CREDIT, 3n * CREDIT), price(2n * CREDIT, 6n * CREDIT), CREDIT],
    [price(CREDIT, 3n * CREDIT), price(5n * CREDIT, CREDIT), CREDIT],
    [price(CREDIT, 3n * CREDIT), price(9n * CREDIT, 9n * CREDIT), CREDIT],
    [price(CREDIT, 3n * CREDIT), null, CREDIT],
    [price(CREDIT, 3n * CREDIT), null, CREDIT / 300n],
    [price(0n, 0n), price(7n, 11n), CREDIT],
    [price(333n, 777n), price(1_000n, 1_000n), CREDIT],
    [price(9n * CREDIT, 0n), price(CREDIT, CREDIT), CREDIT, 0],
  ]
  return AUCTIONS.flatMap(auction =>
    bids.map(([bid, runnerUp, reserve, promptTokens = 1_234]) => {
      const terms = { auction, promptTokens, maxTokens: 567, reserve }
      const listed = price(4n * CREDIT, 8n * CREDIT)
      return {
        ...terms,
        reserve: reserve.toString(),
        bid: textOf(bid),
        runnerUp: runnerUp === null ? null : textOf(runnerUp),
        listed: textOf(listed),
        price: textOf(awardedPrice(terms, { bid, runnerUp, listed })),
      }
    }),
  )
}

/** @returns whether this implementation pays the same */
export function holdsAward({
  bid,
  runnerUp,
  listed,
  reserve,
  price: expected,
  ...terms
}: AwardVector): boolean {
  const paid = awardedPrice(
    { ...terms, reserve: BigInt(reserve) },
    { bid: priceOf(bid), runnerUp: runnerUp === null ? null : priceOf(runnerUp), listed: priceOf(listed) },
  )
  return textOf(paid).join() === expected.join()
}

function price(inputPerMillion: bigint, outputPerMillion: bigint): TokenPrice {
  return { inputPerMillion, outputPerMillion }
}

function priceOf([input, output]: PriceText): TokenPrice {
  return price(BigInt(input), BigInt(output))
}

function textOf({ inputPerMillion, outputPerMillion }: TokenPrice): PriceText {
  return [inputPerMillion.toString(), outputPerMillion.toString()]
}
