import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DecayingEvidence } from '../../../../node/trust/decaying-evidence.ts'

const HALF_LIFE_MS = 3_600_000
const START_MS = 1_700_000_000_000

const anyPiece = fc.record({
  good: fc.double({ min: 0, max: 20, noNaN: true }),
  bad: fc.double({ min: 0, max: 20, noNaN: true }),
  atMs: fc.integer({ min: START_MS, max: START_MS + 60 * HALF_LIFE_MS }),
})
type Piece = { good: number; bad: number; atMs: number }

function sumOf(pieces: readonly Piece[]): DecayingEvidence {
  const sum = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS })
  for (const { good, bad, atMs } of pieces) sum.add(good, bad, atMs)
  return sum
}

describe('decaying evidence', () => {
  it('is exactly the same from any order', () => {
    const orders = fc.array(anyPiece, { minLength: 2, maxLength: 200, size: 'max' }).chain(pieces => {
      const { length } = pieces
      return fc.tuple(
        fc.constant(pieces),
        fc.shuffledSubarray(pieces, { minLength: length, maxLength: length }),
      )
    })
    fc.assert(
      fc.property(orders, ([one, other]) => assert.deepEqual(sumOf(one).state, sumOf(other).state)),
      { numRuns: 100 },
    )
  })

  it('is what the exponential says, to a millionth', () => {
    fc.assert(
      fc.property(
        fc.array(anyPiece, { maxLength: 100, size: 'max' }),
        fc.nat(10 * HALF_LIFE_MS),
        (pieces, laterMs) => {
          const nowMs = START_MS + 60 * HALF_LIFE_MS + laterMs
          const sum = sumOf(pieces)
          for (const side of ['good', 'bad'] as const) {
            const exact = pieces.reduce(
              (all, piece) => all + piece[side] * 2 ** ((piece.atMs - nowMs) / HALF_LIFE_MS),
              0,
            )
            assert.ok(Math.abs(sum[side](nowMs) - exact) < 1e-4)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('goes on from its state as if nothing had happened, and stays small', () => {
    fc.assert(
      fc.property(fc.array(anyPiece, { maxLength: 100, size: 'max' }), fc.nat(99), (pieces, at) => {
        const halfway = sumOf(pieces.slice(0, at)).state
        const restored = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state: structuredClone(halfway) })
        for (const { good, bad, atMs } of pieces.slice(at)) restored.add(good, bad, atMs)
        assert.deepEqual(restored.state, sumOf(pieces).state)
        assert.ok(restored.state.length <= 32 * 3)
      }),
      { numRuns: 100 },
    )
  })
})
