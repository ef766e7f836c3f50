import assert from 'node:assert/strict'
import { Reservoir } from '../../../../../node/market/routing/reservoir.ts'
import { seededRandom } from '../../../../helpers/synthetic-market.ts'

describe('a reservoir', () => {
  it('gives each item the same chance, wherever it comes', () => {
    const random = seededRandom(11)
    const counts = new Array<number>(40).fill(0)
    const rounds = 6_000
    for (let round = 0; round < rounds; round++) {
      const reservoir = new Reservoir(4, random)
      for (let item = 0; item < counts.length; item++) reservoir.offer(item)
      assert.equal(new Set(reservoir.items()).size, 4)
      for (const item of reservoir.items()) counts[item]!++
    }
    // Six standard deviations of a binomial with p = 1/10.
    const expected = rounds / 10
    for (const count of counts)
      assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected * 0.9), `${count}`)
  })

  it('keeps all of a few, and nothing where there is no room', () => {
    const few = new Reservoir(4, () => 0)
    for (const item of [7, 8, 9]) few.offer(item)
    assert.deepEqual(few.items(), [7, 8, 9])
    const none = new Reservoir(0, () => 0.5)
    for (const item of [7, 8, 9]) none.offer(item)
    assert.deepEqual(none.items(), [])
  })
})
