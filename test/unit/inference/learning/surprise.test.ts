import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import {
  drawByWeight,
  MAX_TOKEN_NATS,
  surpriseOf,
  surpriseWeights,
} from '../../../../inference/learning/surprise.ts'

const row = (nats: number, tokens = 10) => ({ nats, tokens })

describe('surprise', () => {
  it('is the mean of what tokens lost, of which none counts beyond a bound', () => {
    deepEqual(surpriseOf(Float32Array.of(1, 3)), { nats: 2, tokens: 2 })
    deepEqual(surpriseOf(Float32Array.of(0, 1_000)), { nats: MAX_TOKEN_NATS / 2, tokens: 2 })
    deepEqual(surpriseOf(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY)), {
      nats: MAX_TOKEN_NATS,
      tokens: 2,
    })
    deepEqual(surpriseOf(new Float32Array()), { nats: 0, tokens: 0 })
  })

  it('has what is new drawn more often than what is known, and garbage less', () => {
    const rows = [...Array.from({ length: 20 }, (_, i) => row(2 + i / 100)), row(0.1), row(3), row(9.5)]
    const { weights, garbage } = surpriseWeights(rows)
    equal(garbage, 2)
    equal(weights[20], 0.25)
    equal(weights[22], 0.25)
    ok(weights[19]! > weights[0]!)
  })

  it('draws rows without a counted token never, and all alike where nothing surprises', () => {
    deepEqual([...surpriseWeights([row(1), row(0, 0), row(1)]).weights], [1, 0, 1])
    deepEqual([...surpriseWeights([row(0), row(0)]).weights], [1, 1])
    deepEqual(drawByWeight(Float64Array.of(0, 0), 5, 0.3), [])
  })

  it('never lets a part of the rows, however surprising, take more than its bound', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: MAX_TOKEN_NATS, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (nats, start) => {
          const { weights } = surpriseWeights(nats.map(value => row(value)))
          const drawn = drawByWeight(weights, nats.length, start)
          equal(drawn.length, nats.length)
          const total = weights.reduce((sum, weight) => sum + weight, 0)
          weights.forEach((weight, index) => {
            ok(weight >= 0.25 && weight <= 4)
            const times = drawn.filter(one => one === index).length
            ok(Math.abs(times - (weight / total) * nats.length) < 1 + 1e-9)
          })
        },
      ),
    )
  })
})
