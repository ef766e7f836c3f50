import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CREDIT, costRoundedUp, formatCredits, parseCredits } from '../../../protocol/money.ts'

const price = fc.record({
  inputPerMillion: fc.bigInt(0n, 10n ** 24n),
  outputPerMillion: fc.bigInt(0n, 10n ** 24n),
})
const tokens = fc.nat(1_000_000)

describe('money', () => {
  it('reads and writes credits exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 38n), amount => parseCredits(formatCredits(amount)) === amount),
    )
    assert.equal(parseCredits('1_000.25'), 1000n * CREDIT + CREDIT / 4n)
    assert.equal(formatCredits(-CREDIT / 2n), '-0.5')
    assert.equal(formatCredits(0n), '0')
  })

  it('refuses what is no amount of credits', () => {
    for (const text of [
      '',
      '-1',
      '1.',
      '.5',
      '1e3',
      '0x10',
      '1,5',
      '1.0000000000000000001',
      'NaN',
      '1__000',
      ' ',
      '1 2',
    ]) {
      assert.throws(() => parseCredits(text), RangeError, text)
    }
  })

  it('costs at least the exact price and less than one base unit more', () => {
    fc.assert(
      fc.property(price, tokens, tokens, (p, inputTokens, outputTokens) => {
        const exact = p.inputPerMillion * BigInt(inputTokens) + p.outputPerMillion * BigInt(outputTokens)
        const cost = costRoundedUp(p, { inputTokens, outputTokens })
        assert.ok(cost * 1_000_000n >= exact && (cost - 1n) * 1_000_000n < exact)
      }),
    )
  })

  it('never costs less for more', () => {
    fc.assert(
      fc.property(
        price,
        tokens,
        tokens,
        fc.nat(100),
        fc.nat(100),
        (p, inputTokens, outputTokens, moreIn, moreOut) => {
          const less = costRoundedUp(p, { inputTokens, outputTokens })
          assert.ok(
            costRoundedUp(p, { inputTokens: inputTokens + moreIn, outputTokens: outputTokens + moreOut }) >=
              less,
          )
        },
      ),
    )
  })

  it('refuses token counts that are none', () => {
    for (const inputTokens of [-1, 0.5, Number.NaN, 2 ** 53]) {
      assert.throws(
        () => costRoundedUp({ inputPerMillion: 1n, outputPerMillion: 1n }, { inputTokens, outputTokens: 0 }),
        RangeError,
      )
    }
  })
})
