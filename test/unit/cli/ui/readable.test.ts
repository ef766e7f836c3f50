import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readableBytes, readableCredits, readableSpan } from '../../../../cli/ui/readable.ts'
import { formatCredits, parseCredits } from '../../../../protocol/money.ts'

describe('readable amounts', () => {
  it('shorten credits without showing more than there is', () => {
    assert.equal(readableCredits('1.5'), '1.5')
    assert.equal(readableCredits('0.9999999'), '0.999999')
    assert.equal(readableCredits('0.00001234567'), '0.00001234')
    assert.equal(readableCredits('12.000000001'), '12')
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), amount => {
        const shown = parseCredits(readableCredits(formatCredits(amount)))
        assert.ok(shown <= amount)
        // Either six decimals are right, or four digits of something smaller.
        assert.ok(amount - shown < 10n ** 12n)
        assert.ok(amount === 0n || shown > 0n)
        assert.ok((amount - shown) * 1_000n <= amount)
      }),
    )
  })

  it('tell sizes and spans in units for people', () => {
    assert.deepEqual([0, 999, 1_000, 16_200_000, 7e11].map(readableBytes), [
      '0 B',
      '999 B',
      '1.0 kB',
      '16.2 MB',
      '700 GB',
    ])
    assert.deepEqual([0, 59_000, 250_000, 604_800_000 - 1].map(readableSpan), [
      '0 s',
      '59 s',
      '4 min 10 s',
      '6 d 23 h',
    ])
  })
})
