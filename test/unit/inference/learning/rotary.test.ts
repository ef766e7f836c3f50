import assert from 'node:assert/strict'
import { attentionMask, positionsOf, rotaryTables } from '../../../../inference/learning/jax/rotary.ts'

describe('positions and what may be seen', () => {
  it('restart where a segment does', () => {
    const segments = Int32Array.of(5, 5, 8, 8, 5, 1, 1, 1, 1, 1)
    assert.deepEqual([...positionsOf(segments, 2, 5)], [0, 1, 0, 1, 0, 0, 1, 2, 3, 4])
    assert.deepEqual([...positionsOf(null, 2, 3)], [0, 1, 2, 0, 1, 2])
    const seen = [...attentionMask(Int32Array.of(1, 1, 2, 2), 1, 4)].map(value => (value === 0 ? 1 : 0))
    assert.deepEqual(seen, [1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1])
  })

  it('turn pairs apart by half a head, or side by side', () => {
    const shape = { headDim: 4, ropeBase: 100, ropeScale: 0.5 }
    const halves = rotaryTables({ ...shape, ropePairs: 'halves' }, Int32Array.of(0, 4), null)
    const neighbours = rotaryTables(
      { ...shape, ropePairs: 'neighbours' },
      Int32Array.of(4),
      Float32Array.of(1, 2),
    )
    // Position 4 at half the pace: angles 2 and 2 / 100^(1/2).
    const rounded = (values: Float32Array, from: number) => [...values.subarray(from)].map(x => x.toFixed(5))
    const of = (...values: number[]) => values.map(x => x.toFixed(5))
    assert.deepEqual([...halves.cosines.subarray(0, 4)], [1, 1, 1, 1])
    const [fast, slow] = [2, 0.2]
    assert.deepEqual(
      rounded(halves.cosines, 4),
      of(Math.cos(fast), Math.cos(slow), Math.cos(fast), Math.cos(slow)),
    )
    assert.deepEqual(
      rounded(halves.sines, 4),
      of(-Math.sin(fast), -Math.sin(slow), Math.sin(fast), Math.sin(slow)),
    )
    assert.deepEqual(
      rounded(neighbours.sines, 0),
      of(-Math.sin(fast), Math.sin(fast), -Math.sin(slow / 2), Math.sin(slow / 2)),
    )
  })
})
