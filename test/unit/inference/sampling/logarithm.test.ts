import assert from 'node:assert/strict'
import fc from 'fast-check'
import { exp, ln } from '../../../../inference/sampling/logarithm.ts'

const ulps = (a: number, b: number) => Math.abs(a - b) / (Number.EPSILON * Math.abs(b))

describe('ln', () => {
  it('is the logarithm, to the last unit', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }), x => {
        const expected = Math.log(x)
        assert.ok(expected === 0 ? ln(x) === 0 : ulps(ln(x), expected) <= 1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is exact where it can be', () => {
    assert.equal(ln(1), 0)
    assert.equal(ln(2), Math.LN2)
    assert.equal(ln(0.5), -Math.LN2)
    assert.equal(ln(2 ** -1074), -1074 * Math.LN2)
    // Just below 1, where the rarest draws lie: ln(1 - x) = -x - x²/2.
    assert.equal(ln(1 - 2 ** -53), -(2 ** -53) - 2 ** -107)
    assert.equal(ln(0), Number.NEGATIVE_INFINITY)
    assert.equal(ln(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY)
    assert.ok(Number.isNaN(ln(-1)) && Number.isNaN(ln(Number.NaN)))
  })
})

describe('exp', () => {
  it('is the exponential, to the last unit', () => {
    fc.assert(
      fc.property(fc.double({ min: -708, max: 709, noNaN: true }), x => {
        assert.ok(ulps(exp(x), Math.exp(x)) <= 1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('ends where doubles end', () => {
    assert.equal(exp(0), 1)
    assert.equal(exp(-745), Number.MIN_VALUE)
    assert.equal(exp(-746), 0)
    assert.equal(exp(Number.NEGATIVE_INFINITY), 0)
    assert.equal(exp(710), Number.POSITIVE_INFINITY)
    assert.ok(ulps(exp(709.7), Math.exp(709.7)) <= 1)
    assert.ok(Number.isNaN(exp(Number.NaN)))
  })
})
