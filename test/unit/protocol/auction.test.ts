import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type AuctionTerms,
  announcedCost,
  awardedPrice,
  compareBids,
  isWithinReserve,
} from '../../../protocol/auction.ts'
import type { Bid } from '../../../protocol/messages/bid.ts'
import { CREDIT, costRoundedUp, maxAmount, type TokenPrice } from '../../../protocol/money.ts'

const price = (inputPerMillion: bigint, outputPerMillion: bigint): TokenPrice => ({
  inputPerMillion,
  outputPerMillion,
})
const amounts = fc.bigInt(0n, 10n ** 21n)
const prices = fc.record({ inputPerMillion: amounts, outputPerMillion: amounts })
const counts = { promptTokens: fc.nat(100_000), maxTokens: fc.integer({ min: 1, max: 100_000 }) }
const secondPrice = fc.record({
  auction: fc.constant('second-price' as const),
  reserve: fc.bigInt(0n, 10n ** 22n),
  ...counts,
})
const terms = (change: Partial<AuctionTerms> = {}): AuctionTerms => ({
  auction: 'second-price',
  promptTokens: 1_000,
  maxTokens: 1_000,
  reserve: CREDIT,
  ...change,
})
/** A share of a price, thousandths. */
const share = ({ inputPerMillion, outputPerMillion }: TokenPrice, thousandths: bigint) =>
  price((inputPerMillion * thousandths) / 1_000n, (outputPerMillion * thousandths) / 1_000n)

describe('the price of an award', () => {
  it('is the bid in a first-price auction', () => {
    const bid = price(5n, 7n)
    assert.deepEqual(
      awardedPrice(terms({ auction: 'first-price' }), {
        bid,
        runnerUp: price(9n, 9n),
        listed: price(10n, 10n),
      }),
      bid,
    )
  })

  it('is what the next best bid would have cost in a second-price auction', () => {
    const bid = price(CREDIT, 3n * CREDIT)
    const listed = price(4n * CREDIT, 12n * CREDIT)
    const awarded = awardedPrice(terms(), { bid, runnerUp: price(2n * CREDIT, 6n * CREDIT), listed })
    assert.deepEqual(awarded, price(2n * CREDIT, 6n * CREDIT))
  })

  it('is the reserve where nobody else bid, and the offer’s own price where that is less', () => {
    const bid = price(CREDIT, CREDIT)
    const listed = price(5n * CREDIT, 5n * CREDIT)
    const alone = (reserve: bigint) => awardedPrice(terms({ reserve }), { bid, runnerUp: null, listed })
    // 2,000 tokens at 3 credits a million.
    assert.deepEqual(alone((6n * CREDIT) / 1_000n), price(3n * CREDIT, 3n * CREDIT))
    assert.deepEqual(alone(CREDIT), listed)
    assert.deepEqual(alone(0n), bid, 'never below the bid')
  })

  it('takes the proportion of the offer where the bid is nothing', () => {
    const listed = price(2n * CREDIT, 4n * CREDIT)
    const awarded = awardedPrice(terms(), {
      bid: price(0n, 0n),
      runnerUp: price(CREDIT, 2n * CREDIT),
      listed,
    })
    assert.deepEqual(awarded, price(CREDIT, 2n * CREDIT))
    const free = price(0n, 0n)
    assert.deepEqual(awardedPrice(terms(), { bid: free, runnerUp: null, listed: free }), free)
  })

  it('keeps a bid’s price of input where a task announced without input makes that bid cost nothing', () => {
    const awarded = awardedPrice(terms({ promptTokens: 0, reserve: 1n }), {
      bid: price(1n, 0n),
      runnerUp: null,
      listed: price(0n, 1n),
    })
    assert.deepEqual(awarded, price(1n, 1n))
  })

  it('is never below the bid, and at the announced counts never above the next bid, the reserve or the offer', () => {
    fc.assert(
      fc.property(secondPrice, prices, fc.option(prices), prices, (auction, bid, runnerUp, listed) => {
        const awarded = awardedPrice(auction, { bid, runnerUp, listed })
        assert.ok(awarded.inputPerMillion >= bid.inputPerMillion)
        assert.ok(awarded.outputPerMillion >= bid.outputPerMillion)
        const own = announcedCost(auction, bid)
        const bounds = [auction.reserve, announcedCost(auction, listed)]
        if (runnerUp !== null) bounds.push(announcedCost(auction, runnerUp))
        const paid = announcedCost(auction, awarded)
        for (const bound of bounds) assert.ok(paid <= maxAmount(bound, own))
        assert.ok(paid >= own)
      }),
    )
  })

  it('makes the true cost the best bid, whatever the others bid and however much is used', () => {
    const thousandths = fc.bigInt(1n, 1_000n)
    fc.assert(
      fc.property(
        secondPrice,
        prices,
        thousandths,
        thousandths,
        fc.option(prices),
        fc.nat(1_000),
        (auction, listed, truth, other, rival, used) => {
          const cost = share(listed, truth)
          const usage = {
            inputTokens: Math.floor((auction.promptTokens * used) / 1_000),
            outputTokens: Math.floor((auction.maxTokens * used) / 1_000),
          }
          // What a bid brings beyond the cost, base units of a million tokens' price.
          const gain = (bid: TokenPrice) => {
            const loses = rival !== null && announcedCost(auction, rival) <= announcedCost(auction, bid)
            if (loses || !isWithinReserve(auction, bid)) return 0n
            const paid = awardedPrice(auction, { bid, runnerUp: rival, listed })
            const exact = ({ inputPerMillion, outputPerMillion }: TokenPrice) =>
              inputPerMillion * BigInt(usage.inputTokens) + outputPerMillion * BigInt(usage.outputTokens)
            return exact(paid) - exact(cost)
          }
          // Whole base units are rounded; proportions of tiny prices with them.
          const slack = BigInt(usage.inputTokens + usage.outputTokens + 1) * tolerance(listed, auction, cost)
          assert.ok(gain(cost) + slack >= gain(share(listed, other)))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  /** What rounding to whole base units can move a price for a million tokens by. */
  function tolerance(listed: TokenPrice, auction: AuctionTerms, cost: TokenPrice): bigint {
    const own = announcedCost(auction, cost)
    const open = announcedCost(auction, listed)
    const most = maxAmount(listed.inputPerMillion, listed.outputPerMillion)
    // Relative error of a cost rounded up to the next base unit, on the greatest price there is.
    return own === 0n ? most + 1n : (most * 2n * (open + 1n)) / (own * own) + 2n
  }

  it('puts the lowest announced cost first, and of equal ones the lower CID, in one order only', () => {
    const bids = fc.array(
      fc.record({
        cid: fc.string({ minLength: 1, maxLength: 4 }),
        body: prices as fc.Arbitrary<unknown> as fc.Arbitrary<Bid>,
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(secondPrice, bids, (auction, list) => {
        const sorted = list.toSorted(compareBids(auction))
        const again = list.toReversed().sort(compareBids(auction))
        assert.deepEqual(
          sorted.map(({ cid, body }) => [announcedCost(auction, body), cid]),
          again.map(({ cid, body }) => [announcedCost(auction, body), cid]),
        )
        for (const [i, bid] of sorted.slice(1).entries())
          assert.ok(announcedCost(auction, sorted[i]!.body) <= announcedCost(auction, bid.body))
      }),
    )
  })

  it('counts the reserve in', () => {
    const bid = price(CREDIT, CREDIT)
    const cost = costRoundedUp(bid, { inputTokens: 1_000, outputTokens: 1_000 })
    assert.equal(isWithinReserve(terms({ reserve: cost }), bid), true)
    assert.equal(isWithinReserve(terms({ reserve: cost - 1n }), bid), false)
  })
})
