import assert from 'node:assert/strict'
import { Reservoir } from '../../../../../node/market/routing/reservoir.ts'
import { seededRandom } from '../../../../helpers/synthetic-market.ts'

describe('a reservoir', () => {
  it('gives equal items the same chance, wherever they come', () => {
    const random = seededRandom(11)
    const counts = new Array<number>(40).fill(0)
    const rounds = 6_000
    for (let round = 0; round < rounds; round++) {
      const reservoir = new Reservoir(4, random)
      for (let item = 0; item < counts.length; item++) reservoir.offer(item, 0.3)
      assert.equal(new Set(reservoir.items().map(({ item }) => item)).size, 4)
      for (const { item } of reservoir.items()) counts[item]!++
    }
    // Six standard deviations of a binomial with p = 1/10.
    const expected = rounds / 10
    for (const count of counts)
      assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected * 0.9), `${count}`)
  })

  it('draws an item first in proportion to its weight, with room for few and for all', () => {
    const weights = [5, 1, 0, 3, 0.5, 10, 2]
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (const limit of [1, 3, 20]) {
      const random = seededRandom(limit)
      const first = new Array<number>(weights.length).fill(0)
      const rounds = 20_000
      for (let round = 0; round < rounds; round++) {
        const reservoir = new Reservoir(limit, random)
        weights.forEach((weight, item) => {
          reservoir.offer(item, weight)
        })
        assert.equal(reservoir.totalWeight, total)
        first[reservoir.items()[0]!.item]!++
      }
      weights.forEach((weight, item) => {
        const share = weight / total
        const deviation = Math.sqrt(rounds * share * (1 - share))
        const count = first[item]!
        assert.ok(
          Math.abs(count - rounds * share) <= 6 * deviation,
          `${limit}: ${item} was first ${count} times`,
        )
      })
    }
  })

  it('draws by weight what it draws with fewer places, wherever it is narrowed', () => {
    const weights = [5, 1, 3, 0.5, 10, 2, 4]
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (const after of [0, 1, 3, 5, 7]) {
      const random = seededRandom(after + 40)
      const first = new Array<number>(weights.length).fill(0)
      const second = new Array<number>(weights.length).fill(0)
      const rounds = 20_000
      for (let round = 0; round < rounds; round++) {
        const reservoir = new Reservoir(4, random)
        for (const [item, weight] of weights.entries()) {
          if (item === after) reservoir.narrow(2)
          reservoir.offer(item, weight)
        }
        reservoir.narrow(2)
        reservoir.narrow(3)
        assert.equal(reservoir.size, 2)
        assert.equal(reservoir.totalWeight, total)
        first[reservoir.items()[0]!.item]!++
        second[reservoir.items()[1]!.item]!++
      }
      const isAbout = (count: number, chance: number, what: string) => {
        const deviation = Math.sqrt(rounds * chance * (1 - chance))
        assert.ok(Math.abs(count - rounds * chance) <= 6 * deviation, `${after}: ${what} ${count} times`)
      }
      for (const [item, weight] of weights.entries()) {
        isAbout(first[item]!, weight / total, `${item} was first`)
        const afterOthers = weights.reduce(
          (sum, other, place) => (place === item ? sum : sum + (other / total) * (weight / (total - other))),
          0,
        )
        isAbout(second[item]!, afterOthers, `${item} was second`)
      }
    }
  })

  it('keeps all of a few but those without weight, and nothing where there is no room', () => {
    const few = new Reservoir(4, seededRandom(1))
    for (const item of [7, 8, 9]) few.offer(item, item - 7)
    assert.deepEqual(
      few
        .items()
        .map(({ item }) => item)
        .sort(),
      [8, 9],
    )
    const none = new Reservoir(0, () => 0.5)
    for (const item of [7, 8, 9]) none.offer(item, 1)
    assert.deepEqual(none.items(), [])
    assert.equal(none.totalWeight, 3)
  })
})
