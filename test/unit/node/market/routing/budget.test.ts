import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type BudgetOption, planWithinBudget } from '../../../../../node/market/routing/budget.ts'
import { CREDIT } from '../../../../../protocol/money.ts'

const option: fc.Arbitrary<BudgetOption> = fc
  .record({
    cost: fc.bigInt(0n, 20n),
    quality: fc.integer({ min: 0, max: 100 }),
    chance: fc.integer({ min: 1, max: 100 }),
  })
  .map(({ cost, quality, chance }) => ({
    cost: cost * CREDIT,
    quality: quality / 100,
    expected: (quality * chance) / 10_000,
  }))
const tasks = fc.array(fc.array(option, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
const budget = fc.bigInt(0n, 60n).map(credits => credits * CREDIT)
const minQuality = fc.constantFrom(0, 0.3, 0.7)

/** All plans there are. */
function best(
  all: BudgetOption[][],
  most: bigint,
  least: number,
): { quality: number; cheapest: bigint | null } {
  let quality = Number.NEGATIVE_INFINITY
  let cheapest: bigint | null = null
  const walk = (task: number, cost: bigint, sum: number): void => {
    if (task === all.length) {
      if (cheapest === null || cost < cheapest) cheapest = cost
      if (cost <= most) quality = Math.max(quality, sum)
      return
    }
    for (const one of all[task]!)
      if (one.quality >= least) walk(task + 1, cost + one.cost, sum + one.expected)
  }
  walk(0, 0n, 0)
  return { quality, cheapest }
}

describe('a budget', () => {
  it('is never overspent, and buys what no other plan betters by more than one step', () => {
    fc.assert(
      fc.property(tasks, budget, minQuality, (all, most, least) => {
        const plan = planWithinBudget(all, most, least)
        const optimum = best(all, most, least)
        if ('needed' in plan) {
          assert.equal(plan.needed, optimum.cheapest)
          assert.ok(plan.needed === null || plan.needed > most)
          return
        }
        const chosen = plan.choices.map((choice, task) => all[task]![choice]!)
        assert.equal(
          chosen.reduce((sum, { cost }) => sum + cost, 0n),
          plan.cost,
        )
        assert.ok(plan.cost <= most)
        assert.ok(chosen.every(({ quality }) => quality >= least))
        const gains = all.flatMap(options => options.flatMap(a => options.map(b => a.expected - b.expected)))
        const largest = Math.max(...gains)
        assert.ok(Math.abs(chosen.reduce((sum, { expected }) => sum + expected, 0) - plan.quality) < 1e-9)
        assert.ok(plan.quality >= optimum.quality - largest - 1e-9, `${plan.quality} of ${optimum.quality}`)
        assert.ok(plan.qualityAtMost >= optimum.quality - 1e-9)
      }),
    )
  })

  it('is the optimum where steps cost the same', () => {
    const options = [1n, 2n, 3n].map((cost, place) => ({
      cost,
      quality: 1,
      expected: [0.5, 0.8, 0.9][place]!,
    }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.bigInt(5n, 15n), (count, most) => {
        const all = Array.from({ length: count }, () => options)
        const plan = planWithinBudget(all, most, 0)
        assert.ok('choices' in plan)
        assert.ok(Math.abs(plan.quality - best(all, most, 0).quality) < 1e-9)
      }),
    )
  })

  it('spends what is left on single changes, and never more than that', () => {
    const free = { cost: 0n, quality: 1, expected: 0.1 }
    const little = { cost: 3n, quality: 1, expected: 0.2 }
    const best = { cost: 10n, quality: 1, expected: 1 }
    const tasks = [0, 1, 2].map(() => [free, little, best])
    const plan = planWithinBudget(tasks, 14n, 0)
    assert.ok('choices' in plan)
    assert.deepEqual(plan.choices.toSorted(), [0, 1, 2])
    assert.equal(plan.cost, 13n)
  })

  it('mixes a cheap and a good model as far as the money goes', () => {
    const emails = Array.from({ length: 100 }, () => [
      { cost: 2n * CREDIT, quality: 0.6, expected: 0.6 },
      { cost: 10n * CREDIT, quality: 0.9, expected: 0.9 },
      // Never worth it: between the two a mix of them is better.
      { cost: 9n * CREDIT, quality: 0.65, expected: 0.65 },
    ])
    const plan = planWithinBudget(emails, 600n * CREDIT, 0.5)
    assert.ok('choices' in plan)
    assert.equal(plan.choices.filter(choice => choice === 1).length, 50)
    assert.equal(plan.cost, 600n * CREDIT)
    assert.deepEqual(planWithinBudget(emails, 600n * CREDIT, 0.8), { needed: 1_000n * CREDIT })
    assert.deepEqual(planWithinBudget(emails, 600n * CREDIT, 0.95), { needed: null })
  })
})
