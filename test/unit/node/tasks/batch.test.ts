import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Candidate, Demand, Ranking } from '../../../../node/market/routing/candidate.ts'
import { FEATURE_NAMES } from '../../../../node/market/routing/features.ts'
import type { AskOptions, TaskResult } from '../../../../node/tasks/ask.ts'
import { Batch, type BatchEvent, type BatchOptions } from '../../../../node/tasks/batch.ts'
import { TaskError } from '../../../../node/tasks/errors.ts'
import { CREDIT, formatCredits } from '../../../../protocol/money.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { askFor } from '../../../helpers/nodes.ts'
import { sampleOffer } from '../../../helpers/samples.ts'
import { seededRandom } from '../../../helpers/seeded-random.ts'

const COST = CREDIT / 1_000n

/** Candidates that all do a task for the same, the later ones dearer and faster. */
function candidates(count: number, slots: number): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    provider: String(i).padStart(64, '0'),
    venue: 'peer',
    offer: null,
    model: { ...sampleOffer.models[0]!, slots, freeSlots: slots, queued: 0 },
    prediction: {
      expectedCost: COST * BigInt(i + 1),
      worstCost: COST * BigInt(i + 1) * 10n,
      ttftMs: 10,
      ttftP95Ms: 20,
      totalMs: 1_000 / (i + 1),
      waitMs: 0,
      tokensPerSecond: 100,
      reliability: 0.9,
      quality: 0.5 + i / 100,
      warmShare: 0,
    },
    score: 1,
    features: FEATURE_NAMES.map(() => 0),
    probability: 0,
  }))
}

const ranking = (found: Candidate[]) => ({ decisionId: '1', candidates: found }) as unknown as Ranking

interface World {
  options?: Partial<BatchOptions>
  listed?: (demand: Demand) => Candidate[]
  /** What a task costs of what it may, or the error it ends with. */
  end?: (options: AskOptions, call: number) => bigint | TaskError
}

function batch({ options = {}, listed = () => candidates(3, 2), end = () => COST }: World) {
  const asked: AskOptions[] = []
  let running = 0
  const seen = { most: 0, events: [] as BatchEvent[], asked }
  const made = new Batch(
    {
      tasks: Array.from({ length: 6 }, (_, i) => askFor(`task ${i}`)),
      budget: null,
      deadlineMs: null,
      minQuality: 0,
      pick: 'cost',
      maxConcurrent: 16,
      ...options,
    },
    {
      preview: demand => ranking(listed(demand)),
      ask: async given => {
        const call = asked.push(given)
        seen.most = Math.max(seen.most, ++running)
        // Others begin before this one ends.
        await new Promise(resolve => setImmediate(resolve))
        running--
        const outcome = end(given, call)
        if (outcome instanceof TaskError) throw outcome
        return { paid: outcome } as TaskResult
      },
      clock: new ManualClock(),
      random: seededRandom(1),
    },
  )
  const run = (signal = new AbortController().signal) => made.run(event => seen.events.push(event), signal)
  return { made, run, seen }
}

describe('batch', () => {
  it('does each task once, first where the plan puts it, no more at a place than it has slots', async () => {
    const { run, seen } = batch({})
    assert.deepEqual(await run(), { done: 6, failed: 0, paid: 6n * COST, elapsedMs: 0 })
    // The cheapest place has two slots, and the plan that costs least gives it all.
    assert.ok(seen.asked.every(({ preferred }) => preferred?.provider === '0'.repeat(64)))
    assert.equal(seen.most, 2)
    const ended = seen.events.flatMap(event => (event.type === 'done' ? [event.index] : []))
    assert.deepEqual(ended.toSorted(), [0, 1, 2, 3, 4, 5])
  })

  it('runs no more at once than it was told', async () => {
    const { run, seen } = batch({
      options: { maxConcurrent: 3, pick: 'time' },
      listed: () => candidates(9, 4),
    })
    await run()
    assert.equal(seen.most, 3)
  })

  it('never pays more than the budget, whatever tasks cost and however they end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 6, max: 40 }),
        fc.array(fc.tuple(fc.nat(100), fc.boolean()), { minLength: 6, maxLength: 6 }),
        async (budgetCosts, ends) => {
          const budget = COST * BigInt(budgetCosts)
          let paid = 0n
          const { run, seen } = batch({
            options: { budget },
            end: ({ maxPrice }, call) => {
              const [percent, isWell] = ends[call - 1]!
              const cost = (maxPrice! * BigInt(percent)) / 100n
              paid += cost
              return isWell
                ? cost
                : new TaskError('ALL_PROVIDERS_FAILED', 'failed', { details: { paid: formatCredits(cost) } })
            },
          })
          const result = await run()
          assert.ok(paid <= budget)
          assert.equal(result.paid, paid)
          assert.equal(result.done + result.failed, 6)
          assert.equal(seen.events.filter(({ type }) => type === 'done' || type === 'failed').length, 6)
        },
      ),
      { numRuns: 10 },
    )
  })

  it('buys the most quality that the budget allows where quality counts most', async () => {
    // Six tasks at 1, 2 or 3 each, the dearer the better: with 9 there is enough for three steps up.
    const { made } = batch({ options: { pick: 'quality', budget: 9n * COST } })
    const { pick, feasible } = await made.plan()
    assert.ok(feasible)
    const paid = pick.assignments.reduce((sum, assignment) => sum + assignment!.expectedCost, 0n)
    assert.equal(paid, 9n * COST)
    const poor = batch({ options: { pick: 'quality', budget: 5n * COST } })
    assert.equal((await poor.made.plan()).feasible, false)
    const good = batch({ options: { pick: 'quality', minQuality: 0.52 } })
    const { pick: all } = await good.made.plan()
    assert.ok(all.assignments.every(assignment => assignment!.listing.provider.endsWith('2')))
  })

  it('goes on without what nobody can do', async () => {
    const { run, seen } = batch({
      listed: ({ promptTokensBound }) => (promptTokensBound > 1_000 ? [] : candidates(2, 2)),
      options: { tasks: [askFor('short'), askFor('long '.repeat(400)), askFor('short')] },
    })
    const { done, failed } = await run()
    assert.deepEqual({ done, failed }, { done: 2, failed: 1 })
    const failure = seen.events.find(event => event.type === 'failed')
    assert.equal(failure?.index, 1)
    assert.equal(failure?.error.code, 'NO_PROVIDER')
  })

  it('begins nothing when nobody can do anything, or not within the limits', async () => {
    const none = batch({ listed: () => [] })
    await assert.rejects(none.run(), { code: 'NO_PROVIDER' })
    const dear = batch({ options: { budget: COST } })
    await assert.rejects(dear.run(), { code: 'PLAN_INFEASIBLE', message: /0\.006\d* credits are needed/ })
    const poor = batch({ options: { minQuality: 0.9 } })
    await assert.rejects(poor.run(), { code: 'PLAN_INFEASIBLE', message: /mean quality of 0\.52/ })
    assert.equal(none.seen.asked.length + dear.seen.asked.length + poor.seen.asked.length, 0)
  })

  it('begins nothing more once it is cancelled', async () => {
    const abort = new AbortController()
    const { run, seen } = batch({
      end: () => {
        abort.abort()
        return COST
      },
    })
    const { done, failed } = await run(abort.signal)
    assert.equal(done + failed, 6)
    assert.equal(seen.asked.length, done)
    assert.ok(failed >= 4)
  })
})
