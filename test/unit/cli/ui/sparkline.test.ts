import assert from 'node:assert/strict'
import fc from 'fast-check'
import { scaleBar, sparkline, thinned } from '../../../../cli/ui/sparkline.ts'

const values = fc.array(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })), { maxLength: 200 })

describe('sparkline', () => {
  it('draws a bar a number, and leaves room for what is not known', () => {
    assert.equal(sparkline([0, 1, null, 2], { low: 0, high: 2 }), '▁▅ █')
    assert.equal(sparkline([3, 3], { low: 3, high: 3 }), '▅▅')
    assert.equal(sparkline([-5, 50], { low: 0, high: 1 }), '▁█')
  })

  it('keeps to the width, and the mean of what it joins', () => {
    assert.deepEqual(thinned([1, 3, null, null, 5, 7], 3), [2, null, 6])
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 60 }), (numbers, most) => {
        const thin = thinned(numbers, most)
        assert.equal(thin.length, Math.min(most, numbers.length))
        const known = numbers.filter(value => value !== null)
        for (const value of thin)
          assert.ok(
            value === null || (value >= Math.min(...known) - 1e-6 && value <= Math.max(...known) + 1e-6),
          )
      }),
    )
  })

  it('puts a value where it lies, also outside of the others', () => {
    assert.deepEqual(scaleBar({ low: 0, middle: 5, high: 10 }, 10, 11), {
      low: 0,
      bar: '─────┼────◆',
      high: 10,
    })
    assert.deepEqual(scaleBar({ low: 2, middle: 3, high: 4 }, 0, 5), { low: 0, bar: '◆──┼─', high: 4 })
    assert.equal(scaleBar({ low: 1, middle: 1, high: 1 }, 1, 5).bar, '──◆──')
  })
})
