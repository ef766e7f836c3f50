import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SamplingKey } from '../../../../inference/sampling/sampling-key.ts'
import { threefry2x32 } from '../../../../inference/sampling/threefry.ts'
import { seedOf } from '../../../helpers/seed.ts'

describe('threefry2x32', () => {
  it('gives the known answers of its authors', () => {
    const out = new Uint32Array(2)
    const answer = (key: [number, number], counter: [number, number]) => {
      threefry2x32(...key, ...counter, out)
      return [...out]
    }
    assert.deepEqual(answer([0, 0], [0, 0]), [0x6b200159, 0x99ba4efe])
    assert.deepEqual(answer([-1, -1], [-1, -1]), [0x1cb996fc, 0xbb002be7])
    assert.deepEqual(answer([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]), [0xc4923a9c, 0x483df7a0])
  })
})

describe('SamplingKey', () => {
  const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const token = fc.nat(200_000)

  it('draws between 0 and 1, the same wherever it came from', () => {
    fc.assert(
      fc.property(fc.nat(), position, position, token, (seed, there, elsewhere, id) => {
        const key = new SamplingKey(seedOf(seed))
        key.moveTo(there)
        const u = key.uniform(id)
        assert.ok(u > 0 && u < 1)
        key.moveTo(elsewhere)
        key.uniform(id + 1)
        key.moveTo(there)
        assert.equal(key.uniform(id), u)
      }),
    )
  })

  it('leaves out only draws that are too small', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        position,
        token,
        fc.double({ min: -4, max: 40, noNaN: true }),
        (seed, at, id, least) => {
          const key = new SamplingKey(seedOf(seed))
          key.moveTo(at)
          const g = key.gumbel(id)
          const found = key.gumbelFrom(id, least)
          assert.ok(found === g || (found === Number.NEGATIVE_INFINITY && g < least))
          assert.equal(key.gumbelFrom(id, g), g)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('spreads its draws evenly over tokens and over positions', () => {
    const key = new SamplingKey(seedOf(1))
    const tenths = { tokens: new Array(10).fill(0), positions: new Array(10).fill(0) }
    for (let i = 0; i < 10_000; i++) {
      key.moveTo(5)
      tenths.tokens[Math.floor(key.uniform(i) * 10)] += 1
      key.moveTo(i)
      tenths.positions[Math.floor(key.uniform(5) * 10)] += 1
    }
    for (const counts of Object.values(tenths)) {
      const chiSquare = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)
      // 9 degrees of freedom: 27.9 is passed once in a thousand.
      assert.ok(chiSquare < 27.9, counts.join())
    }
  })

  it('refuses what is no seed and no position', () => {
    for (const seed of ['', '0x12', 'ab'.repeat(32), `0x${'AB'.repeat(32)}`])
      assert.throws(() => new SamplingKey(seed), RangeError)
    const key = new SamplingKey(seedOf(1))
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => key.moveTo(wrong), RangeError)
  })
})
