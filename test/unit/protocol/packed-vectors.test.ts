import assert from 'node:assert/strict'
import fc from 'fast-check'
import { packVectors, unpackVectors } from '../../../protocol/vectors.ts'

const vectors = fc
  .integer({ min: 1, max: 8 })
  .chain(dimensions =>
    fc.array(
      fc.float32Array({ minLength: dimensions, maxLength: dimensions, noNaN: true, noDefaultInfinity: true }),
      { minLength: 1, maxLength: 5 },
    ),
  )

describe('packed vectors', () => {
  it('come back as they went, wherever their bytes lie', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 0, max: 3 }), (list, offset) => {
        const bytes = packVectors(list)
        const moved = new Uint8Array(bytes.length + offset)
        moved.set(bytes, offset)
        assert.deepEqual(unpackVectors(moved.subarray(offset), list[0]!.length), list)
      }),
    )
  })

  it('are little-endian singles', () => {
    assert.deepEqual([...packVectors([Float32Array.of(1, -2)])], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])
  })

  it('are refused when they are not whole, or no numbers', () => {
    assert.equal(unpackVectors(new Uint8Array(0), 1), null)
    assert.equal(unpackVectors(new Uint8Array(10), 2), null)
    assert.equal(unpackVectors(packVectors([Float32Array.of(1, Number.NaN)]), 2), null)
    assert.equal(unpackVectors(packVectors([Float32Array.of(Number.POSITIVE_INFINITY)]), 1), null)
  })
})
