import assert from 'node:assert/strict'
import fc from 'fast-check'
import { coveredTokens, meteredAt, owedFor } from '../../../../node/tasks/metering.ts'
import { CREDIT, costRoundedUp, type TokenPrice } from '../../../../protocol/money.ts'

/** Free, odd, typical and dear. */
const perMillion = fc.oneof(
  fc.constant(0n),
  fc.bigInt(1n, 3_000_000n),
  fc.bigInt(1n, 1_000n * CREDIT),
  fc.constantFrom(1n, 999_999n, 1_000_000n, 1_000_001n, CREDIT),
)
const price: fc.Arbitrary<TokenPrice> = fc.record({
  inputPerMillion: perMillion,
  outputPerMillion: perMillion,
})
const count = fc.nat({ max: 200_000 })

function cost(of: TokenPrice, promptTokens: number, tokens: number): bigint {
  return owedFor(of, meteredAt(promptTokens, tokens))
}

describe('metering', () => {
  it('counts the tokens of the prompt first', () => {
    fc.assert(
      fc.property(count, count, (promptTokens, tokens) => {
        const metered = meteredAt(promptTokens, tokens)
        assert.equal(metered.promptTokens + metered.outputTokens, tokens)
        assert.ok(metered.promptTokens <= promptTokens)
        assert.ok(metered.outputTokens === 0 || metered.promptTokens === promptTokens)
      }),
    )
  })

  it('owes what the tokens cost, rounded up once, and never less for more', () => {
    fc.assert(
      fc.property(price, count, count, (of, promptTokens, tokens) => {
        const { promptTokens: inputTokens, outputTokens } = meteredAt(promptTokens, tokens)
        const owed = cost(of, promptTokens, tokens)
        assert.equal(owed, costRoundedUp(of, { inputTokens, outputTokens }))
        const next = cost(of, promptTokens, tokens + 1)
        const step = tokens < promptTokens ? of.inputPerMillion : of.outputPerMillion
        assert.ok(next >= owed)
        assert.ok(next - owed <= step / 1_000_000n + 1n)
        assert.ok(step === 0n ? next === owed : true)
      }),
    )
  })

  it('covers exactly the greatest number of tokens that the money pays for', () => {
    fc.assert(
      fc.property(price, count, count, fc.bigInt(-3n, 3n), (of, promptTokens, about, off) => {
        const paid = cost(of, promptTokens, about) + off
        fc.pre(paid >= 0n)
        const covered = coveredTokens(of, promptTokens, paid)
        if (covered === Number.POSITIVE_INFINITY) {
          assert.equal(of.outputPerMillion, 0n)
          assert.ok(cost(of, promptTokens, promptTokens) <= paid)
          return
        }
        assert.ok(Number.isSafeInteger(covered) && covered >= 0)
        assert.ok(cost(of, promptTokens, covered) <= paid, 'all of them are paid')
        assert.ok(cost(of, promptTokens, covered + 1) > paid, 'one more would not be')
      }),
      { numRuns: 2_000 },
    )
  })

  it('counts as covered whatever was paid for as owed', () => {
    fc.assert(
      fc.property(price, count, count, (of, promptTokens, tokens) => {
        assert.ok(coveredTokens(of, promptTokens, cost(of, promptTokens, tokens)) >= tokens)
      }),
    )
  })

  it('covers without end what is free', () => {
    const free = { inputPerMillion: 0n, outputPerMillion: 0n }
    assert.equal(coveredTokens(free, 10, 0n), Number.POSITIVE_INFINITY)
    assert.equal(coveredTokens({ ...free, inputPerMillion: 1n }, 10, 0n), 0)
    assert.equal(coveredTokens({ ...free, inputPerMillion: 1n }, 10, 1n), Number.POSITIVE_INFINITY)
    assert.equal(coveredTokens({ ...free, outputPerMillion: 1_000_000n }, 10, 0n), 10)
    assert.equal(coveredTokens({ ...free, outputPerMillion: 1_000_000n }, 10, 7n), 17)
    assert.equal(coveredTokens({ ...free, outputPerMillion: 1n }, 0, 0n), 0)
  })
})
