import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  BatchEvaluator,
  type BatchProblem,
  type BatchValues,
  VALUES_PER_PLAN,
  valuesAt,
} from '../../../../../node/market/scheduling/batch-problem.ts'
import { hypervolume, type Point } from '../../../../../node/market/scheduling/hypervolume.ts'
import {
  type BatchPlan,
  PICKS,
  pickFrom,
  planBatch,
  planBatchInSlices,
} from '../../../../../node/market/scheduling/planner.ts'
import { batchInstance } from '../../../../bench/batch-instances.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'

const plan = (problem: BatchProblem, options: Partial<Parameters<typeof planBatch>[1]> = {}): BatchPlan =>
  planBatch(problem, { pick: 'balanced', random: seededRandom(1), ...options })

const point = ({ cost, seconds, failures }: BatchValues): Point => [cost, seconds, failures]

function evaluate(problem: BatchProblem, providers: readonly number[]): BatchValues {
  const values = new Float64Array(VALUES_PER_PLAN)
  new BatchEvaluator(problem).evaluate(Int32Array.from(providers), 0, values, 0)
  return valuesAt(values, 0)
}

const dominates = (a: Point, b: Point) =>
  a.every((value, k) => value <= b[k]!) && a.some((value, k) => value < b[k]!)

/** Every assignment there is. */
function everyAssignment(problem: BatchProblem): BatchValues[] {
  const { taskCount, providerCount } = problem
  return Array.from({ length: providerCount ** taskCount }, (_, code) =>
    evaluate(
      problem,
      Array.from(
        { length: taskCount },
        (__, task) => Math.floor(code / providerCount ** task) % providerCount,
      ),
    ),
  ).filter(({ cost }) => Number.isFinite(cost))
}

const problems = fc
  .record({
    seed: fc.nat(10_000),
    tasks: fc.integer({ min: 1, max: 25 }),
    providers: fc.integer({ min: 1, max: 15 }),
  })
  .map(batchInstance)

describe('batch planner', () => {
  it('counts cost, the end, expected failures and quality as defined', () => {
    const problem: BatchProblem = {
      ...batchInstance({ seed: 1, tasks: 3, providers: 2 }),
      cost: Float64Array.of(1, 2, 1, 2, 1, 2),
      seconds: Float64Array.of(4, 1, 4, 1, 4, 1),
      reliability: Float64Array.of(0.9, 0.5),
      quality: Float64Array.of(0.2, 0.8),
      slots: Float64Array.of(2, 1),
      waitSeconds: Float64Array.of(0, 10),
    }
    const { cost, seconds, failures, quality } = evaluate(problem, [0, 0, 1])
    assert.equal(cost, 4)
    assert.equal(seconds, 11)
    assert.ok(Math.abs(failures - 0.7) < 1e-12)
    assert.ok(Math.abs(quality - 0.4) < 1e-12)
    // Two slots for three tasks of 4 s: 6 s, not 12; one task takes its 4 s however many slots there are.
    assert.equal(evaluate(problem, [0, 0, 0]).seconds, 6)
    assert.equal(evaluate({ ...problem, slots: Float64Array.of(9, 1) }, [0, 0, 0]).seconds, 4)
  })

  it('finds what an exhaustive search of a small batch finds', () => {
    for (const seed of [1, 2, 3]) {
      const problem = batchInstance({ seed, tasks: 6, providers: 4 })
      const all = everyAssignment(problem).map(point)
      const reference = [0, 1, 2].map(
        k => Math.max(...all.map(values => values[k]!)) * 1.01,
      ) as unknown as Point
      const found = hypervolume(
        plan(problem).front.map(({ values }) => point(values)),
        reference,
      )
      assert.ok(found >= 0.995 * hypervolume(all, reference), `seed ${seed}`)
    }
  })

  it('returns plans that do not dominate each other and say what they come to', () => {
    fc.assert(
      fc.property(problems, problem => {
        const { front, unassigned } = plan(problem, { generations: 15 })
        for (const { providers, values } of front) {
          assert.ok(!front.some(other => dominates(point(other.values), point(values))))
          if (unassigned.length > 0) continue
          assert.deepEqual(evaluate(problem, [...providers]), values)
          providers.forEach((provider, task) => {
            assert.ok(Number.isFinite(problem.cost[task * problem.providerCount + provider]))
          })
        }
      }),
      { numRuns: 40 },
    )
  })

  it('is never worse than greedy on the objective its pick claims', () => {
    fc.assert(
      fc.property(problems, problem => {
        const { front, greedy } = plan(problem, { generations: 10 })
        assert.ok(pickFrom(front, 'cost').values.cost <= greedy.cost.cost)
        assert.ok(pickFrom(front, 'time').values.seconds <= greedy.time.seconds)
        assert.ok(pickFrom(front, 'reliability').values.failures <= greedy.reliability.failures)
      }),
      { numRuns: 60 },
    )
  })

  it('picks the least of one objective, and a balance that none of the front beats', () => {
    const { front } = plan(batchInstance({ seed: 5, tasks: 30, providers: 20 }))
    const least = (of: (values: BatchValues) => number) => Math.min(...front.map(({ values }) => of(values)))
    assert.equal(
      pickFrom(front, 'cost').values.cost,
      least(({ cost }) => cost),
    )
    assert.equal(
      pickFrom(front, 'time').values.seconds,
      least(({ seconds }) => seconds),
    )
    assert.equal(
      pickFrom(front, 'reliability').values.failures,
      least(({ failures }) => failures),
    )
    const balanced = pickFrom(front, 'balanced').values
    assert.ok(balanced.cost < pickFrom(front, 'time').values.cost)
    assert.ok(balanced.seconds < pickFrom(front, 'cost').values.seconds)
    assert.equal(PICKS[0], 'balanced')
  })

  it('keeps to budget, deadline and quality where that can be done', () => {
    const free = plan(batchInstance({ seed: 6, tasks: 30, providers: 20 }))
    const { cost, seconds } = free.pick.values
    const constraints = { budget: cost * 1.1, deadlineSeconds: seconds * 1.5, minQuality: 0.7 }
    const { front, feasible } = plan(batchInstance({ seed: 6, tasks: 30, providers: 20, constraints }))
    assert.ok(feasible)
    for (const { values } of front) {
      assert.ok(values.cost <= constraints.budget)
      assert.ok(values.seconds <= constraints.deadlineSeconds)
      assert.ok(values.quality >= constraints.minQuality)
    }
  })

  it('says when that cannot be done, and comes as near as it can', () => {
    const free = plan(batchInstance({ seed: 6, tasks: 10, providers: 5 }))
    const budget = free.greedy.cost.cost / 2
    const { front, feasible } = plan(
      batchInstance({ seed: 6, tasks: 10, providers: 5, constraints: { budget } }),
    )
    assert.equal(feasible, false)
    assert.ok(front.length > 0)
    assert.ok(Math.min(...front.map(({ values }) => values.cost)) <= free.greedy.cost.cost)
  })

  it('leaves out what nobody can do, and plans the rest', () => {
    const problem = batchInstance({ seed: 7, tasks: 5, providers: 4 })
    problem.cost.fill(Number.POSITIVE_INFINITY, 2 * 4, 3 * 4)
    const { unassigned, pick } = plan(problem)
    assert.deepEqual(unassigned, [2])
    assert.equal(pick.providers[2], -1)
    assert.ok([0, 1, 3, 4].every(task => pick.providers[task]! >= 0))
    assert.ok(Number.isFinite(pick.values.cost))
  })

  it('plans nothing where nobody can do anything', () => {
    const problem = batchInstance({ seed: 7, tasks: 2, providers: 3 })
    problem.cost.fill(Number.POSITIVE_INFINITY)
    const { unassigned, pick } = plan(problem)
    assert.deepEqual(unassigned, [0, 1])
    assert.deepEqual([...pick.providers], [-1, -1])
    assert.equal(pick.values.cost, 0)
  })

  it('is the same for the same seed', () => {
    const problem = batchInstance({ seed: 8, tasks: 20, providers: 10 })
    assert.deepEqual(plan(problem), plan(problem))
  })

  it('lets others run between slices, and finds the same', async () => {
    const problem = batchInstance({ seed: 9, tasks: 20, providers: 10 })
    let pauses = 0
    let nowMs = 0
    const sliced = await planBatchInSlices(
      problem,
      { pick: 'balanced', random: seededRandom(1), sliceMs: 4 },
      {
        nowMs: () => nowMs++,
        pause: () => {
          pauses++
          return Promise.resolve()
        },
      },
    )
    assert.ok(pauses > 10)
    assert.deepEqual(sliced, plan(problem))
  })
})

describe('hypervolume', () => {
  it('is the volume of boxes that overlap, counted once', () => {
    assert.equal(hypervolume([[0, 0, 0]], [1, 2, 3]), 6)
    assert.equal(
      hypervolume(
        [
          [1, 1, 1],
          [5, 5, 5],
        ],
        [2, 2, 2],
      ),
      1,
    )
    assert.equal(
      hypervolume(
        [
          [0, 1, 1],
          [1, 0, 1],
          [1, 1, 0],
        ],
        [2, 2, 2],
      ),
      // Three boxes of 2, each pair sharing 1, all sharing 1.
      2 + 2 + 2 - 1 - 1 - 1 + 1,
    )
    assert.equal(hypervolume([], [1, 1, 1]), 0)
  })

  it('agrees with counting points of a grid', () => {
    const coordinate = fc.integer({ min: 0, max: 6 })
    fc.assert(
      fc.property(fc.array(fc.tuple(coordinate, coordinate, coordinate), { maxLength: 8 }), points => {
        let cells = 0
        for (let x = 0; x < 6; x++)
          for (let y = 0; y < 6; y++)
            for (let z = 0; z < 6; z++) if (points.some(p => p[0] <= x && p[1] <= y && p[2] <= z)) cells++
        assert.equal(hypervolume(points, [6, 6, 6]), cells)
      }),
    )
  })
})
