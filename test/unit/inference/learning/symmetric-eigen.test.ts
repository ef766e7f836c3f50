import assert from 'node:assert/strict'
import fc from 'fast-check'
import { symmetricEigen } from '../../../../inference/learning/symmetric-eigen.ts'

/** Symmetric matrices of any size of elements, with zeros and with rows that depend on each other. */
const matrices = fc.integer({ min: 1, max: 12 }).chain(n =>
  fc
    .array(
      fc.oneof(
        fc.constant(0),
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: -1e150, max: 1e150, noNaN: true }),
        fc.constantFrom(5e-324, 1e-310, 1e-160, 1, 1),
      ),
      { minLength: n * n, maxLength: n * n },
    )
    .map(values => {
      const matrix = Float64Array.from(values)
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[i * n + j] = matrix[j * n + i]!
      return { n, matrix }
    }),
)

describe('eigenvectors of symmetric matrices', () => {
  it('are orthonormal and make up the matrix, whatever it is', () => {
    fc.assert(
      fc.property(matrices, ({ n, matrix }) => {
        const { values, vectors } = symmetricEigen(matrix, n)
        const size = matrix.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
        for (let i = 0; i < n; i++) {
          if (i > 0) assert.ok(values[i]! <= values[i - 1]!)
          for (let j = 0; j < n; j++) {
            let [product, element] = [0, 0]
            for (let k = 0; k < n; k++) {
              product += vectors[i * n + k]! * vectors[j * n + k]!
              element += values[k]! * vectors[k * n + i]! * vectors[k * n + j]!
            }
            assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-13, `${product}`)
            assert.ok(Math.abs(element - matrix[i * n + j]!) <= 1e-13 * size + Number.MIN_VALUE * 1e6)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('takes many equal ones', () => {
    const n = 40
    const { values } = symmetricEigen(new Float64Array(n * n).fill(1), n)
    assert.ok(Math.abs(values[0]! - n) < 1e-12)
    for (const value of values.subarray(1)) assert.ok(Math.abs(value) < 1e-12)
  })
})
