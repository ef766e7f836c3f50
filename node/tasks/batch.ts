import { setImmediate as nextTurn } from 'node:timers/promises'
import { isShoalError, type ShoalError } from '../../protocol/errors.ts'
import { MAX_AMOUNT } from '../../protocol/limits.ts'
import { CREDIT, parseCredits } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import { optionsOf, planWithinBudget } from '../market/routing/budget.ts'
import type { Candidate, Demand, Listing, Ranking } from '../market/routing/candidate.ts'
import { type BatchMatrix, batchMatrix } from '../market/scheduling/batch-matrix.ts'
import {
  type BatchConstraints,
  BatchEvaluator,
  type BatchValues,
  VALUES_PER_PLAN,
  valuesAt,
} from '../market/scheduling/batch-problem.ts'
import type { Plan } from '../market/scheduling/nsga2.ts'
import { PICKS, pickFrom, planBatchInSlices } from '../market/scheduling/planner.ts'
import type { AskOptions, TaskResult } from './ask.ts'
import { demandOf } from './demand.ts'
import { TaskError } from './errors.ts'
import { PriceCap } from './price-cap.ts'

/** What counts most; `quality` is the most expected quality within the budget, see `planWithinBudget`. */
export const BATCH_PICKS = [...PICKS, 'quality'] as const
export type BatchPick = (typeof BATCH_PICKS)[number]

export interface BatchOptions {
  tasks: readonly AskOptions[]
  /** Base units all tasks may cost at most, retries included; null for no limit. */
  budget: bigint | null
  deadlineMs: number | null
  /** Least mean quality, 0 to 1. */
  minQuality: number
  pick: BatchPick
  /** Tasks at once, at the most. */
  maxConcurrent: number
}

/** Whom a plan gives a task to. */
export interface Assignment {
  listing: Listing
  /** Base units. */
  expectedCost: bigint
}

export interface BatchForecast {
  front: BatchValues[]
  /** Of each task its assignment; null for those nobody can do. */
  pick: { values: BatchValues; assignments: (Assignment | null)[] }
  greedy: Record<'cost' | 'time' | 'reliability', BatchValues>
  unassigned: number[]
  feasible: boolean
}

export type BatchEvent =
  | { type: 'planned'; forecast: BatchForecast }
  | { type: 'begun'; index: number }
  | { type: 'done'; index: number; result: TaskResult }
  | { type: 'failed'; index: number; error: ShoalError }

export interface BatchResult {
  done: number
  failed: number
  /** Base units. */
  paid: bigint
  elapsedMs: number
}

export interface BatchModules {
  /** What the router would choose among, without a trace; the best `limit` of each task. */
  preview: (demand: Demand, limit: number) => Ranking
  ask: (options: AskOptions, signal: AbortSignal) => Promise<TaskResult>
  clock: Clock
  random: () => number
}

/** Listings looked at for each task. */
const LISTINGS_PER_TASK = 200
/** Between two turns of the event loop. */
const SLICE_MS = 4

/**
 * Plans many tasks over many providers and does them: each is offered first to whom the plan gives it, and goes
 * elsewhere as any task does when that fails. Never pays more than the budget.
 */
export class Batch {
  readonly #options: BatchOptions
  readonly #modules: BatchModules

  constructor(options: BatchOptions, modules: BatchModules) {
    this.#options = options
    this.#modules = modules
  }

  /**
   * Who would do what.
   * @throws {TaskError} NO_PROVIDER when nobody can do any of it
   */
  async plan(): Promise<BatchForecast> {
    const { tasks, budget, deadlineMs, minQuality, pick } = this.#options
    const { preview, clock, random } = this.#modules
    const candidates: Candidate[][] = []
    let sliceEndMs = clock.nowMs() + SLICE_MS
    for (const ask of tasks) {
      candidates.push(
        preview(demandOf(ask, { excluded: new Set(), maxPrice: ask.maxPrice }), LISTINGS_PER_TASK).candidates,
      )
      if (clock.nowMs() < sliceEndMs) continue
      await nextTurn()
      sliceEndMs = clock.nowMs() + SLICE_MS
    }
    const constraints: BatchConstraints = {
      budget: budget === null ? Number.POSITIVE_INFINITY : Number(budget) / Number(CREDIT),
      deadlineSeconds: deadlineMs === null ? Number.POSITIVE_INFINITY : deadlineMs / 1_000,
      minQuality,
    }
    const matrix = batchMatrix(candidates, constraints)
    const { problem, listings } = matrix
    if (listings.length === 0)
      throw new TaskError('NO_PROVIDER', 'nobody can do any of these tasks', {
        fix: 'shoal offers shows who offers what; shoal ask tells for one task why nobody is fit.',
      })
    const { front, greedy, unassigned, feasible } = await planBatchInSlices(
      problem,
      { pick: 'balanced', random, sliceMs: SLICE_MS },
      { nowMs: () => clock.nowMs(), pause: async () => void (await nextTurn()) },
    )
    const finest = pick === 'quality' ? this.#finest(candidates, matrix) : null
    const chosen = finest ?? pickFrom(front, pick === 'quality' ? 'balanced' : pick)
    return {
      front: front.map(({ values }) => values),
      pick: {
        values: chosen.values,
        assignments: [...chosen.providers].map((provider, task) =>
          provider < 0
            ? null
            : {
                listing: listings[provider]!,
                expectedCost: BigInt(
                  Math.ceil(problem.cost[task * problem.providerCount + provider]! * 1e18),
                ),
              },
        ),
      },
      greedy,
      unassigned,
      feasible: feasible && chosen.values.violation === 0,
    }
  }

  /** The plan of most expected quality within the budget, each task at least as good as asked for; null without one. */
  #finest(candidates: readonly (readonly Candidate[])[], { problem, column }: BatchMatrix): Plan | null {
    const { budget, minQuality } = this.#options
    const rows = candidates.map(row => row.filter(candidate => column(candidate) >= 0))
    const doable = rows.flatMap((row, task) => (row.length === 0 ? [] : [task]))
    const plan = planWithinBudget(
      doable.map(task => optionsOf(rows[task]!)),
      budget ?? MAX_AMOUNT,
      minQuality,
    )
    if ('needed' in plan) return null
    const providers = new Int32Array(candidates.length).fill(-1)
    doable.forEach((task, i) => {
      providers[task] = column(rows[task]![plan.choices[i]!]!)
    })
    const values = new Float64Array(VALUES_PER_PLAN)
    new BatchEvaluator(problem).evaluate(providers, 0, values, 0)
    return { providers, values: valuesAt(values, 0) }
  }

  /**
   * Plans and does it all.
   * @param onEvent told of everything as it happens
   * @param signal cancels what runs; what has come is paid
   * @throws {TaskError} NO_PROVIDER, and PLAN_INFEASIBLE when budget, deadline and quality cannot all be held
   */
  async run(onEvent: (event: BatchEvent) => void, signal: AbortSignal): Promise<BatchResult> {
    const { tasks, budget, maxConcurrent } = this.#options
    const { clock, ask } = this.#modules
    const startedAtMs = clock.nowMs()
    const forecast = await this.plan()
    onEvent({ type: 'planned', forecast })
    if (!forecast.feasible) throw infeasible(forecast.pick.values, this.#options)
    const { assignments } = forecast.pick
    const cap = new PriceCap(budget)
    const turns = new Turns(assignments, maxConcurrent)
    const counts = { done: 0, failed: 0 }
    const running = new Set<Promise<void>>()
    const fail = (index: number, error: ShoalError) => {
      counts.failed++
      onEvent({ type: 'failed', index, error })
    }
    for (const index of forecast.unassigned) fail(index, nobody())
    const begin = (index: number, expectedCost: bigint) => {
      const hold = cap.hold(expectedCost * HELD_TIMES)
      onEvent({ type: 'begun', index })
      const options = tasks[index]!
      const maxPrice = budget === null ? options.maxPrice : hold.amount
      const run = ask({ ...options, maxPrice, preferred: assignments[index]!.listing }, signal)
        .then(
          result => {
            hold.settle(result.paid)
            counts.done++
            onEvent({ type: 'done', index, result })
          },
          (error: unknown) => {
            if (!isShoalError(error)) throw error
            hold.settle(paidUntil(error))
            fail(index, error)
          },
        )
        .finally(() => {
          turns.end(index)
          running.delete(run)
        })
      running.add(run)
    }
    while (!signal.aborted) {
      const index = turns.peek()
      if (index === null && running.size === 0) break
      const expectedCost = index === null ? 0n : assignments[index]!.expectedCost
      const available = cap.available()
      const isAffordable = available === null || available >= expectedCost
      if (index !== null && isAffordable) {
        turns.begin(index)
        begin(index, expectedCost)
      } else if (running.size > 0) {
        // A slot, or what was held and not needed, comes back when one ends.
        await Promise.race(running)
      } else break
    }
    await Promise.all(running)
    for (const index of turns.rest()) fail(index, signal.aborted ? cancelled() : budgetUsed())
    return { ...counts, paid: cap.spent, elapsedMs: clock.nowMs() - startedAtMs }
  }
}

/** What a task may cost in place of what it is expected to: answers are of all lengths, and providers fail. */
const HELD_TIMES = 4n

/** Whose turn it is: in the order of the tasks, as far as the slots of whom the plan gives them to are free. */
class Turns {
  readonly #assignments: readonly (Assignment | null)[]
  readonly #maxConcurrent: number
  readonly #waiting: number[]
  readonly #running = new Map<Listing, number>()
  #total = 0

  constructor(assignments: readonly (Assignment | null)[], maxConcurrent: number) {
    this.#assignments = assignments
    this.#maxConcurrent = maxConcurrent
    this.#waiting = assignments.flatMap((assignment, index) => (assignment === null ? [] : [index]))
  }

  /** The next task that could begin now; null when there is none. */
  peek(): number | null {
    if (this.#total >= this.#maxConcurrent) return null
    return this.#waiting.find(index => this.#isFree(this.#listingOf(index))) ?? null
  }

  begin(index: number): void {
    this.#waiting.splice(this.#waiting.indexOf(index), 1)
    this.#count(index, 1)
  }

  end(index: number): void {
    this.#count(index, -1)
  }

  /** Those that have not begun. */
  rest(): readonly number[] {
    return this.#waiting
  }

  #count(index: number, change: 1 | -1): void {
    const listing = this.#listingOf(index)
    this.#running.set(listing, (this.#running.get(listing) ?? 0) + change)
    this.#total += change
  }

  #isFree(listing: Listing): boolean {
    return (this.#running.get(listing) ?? 0) < Math.max(1, listing.model.freeSlots)
  }

  #listingOf(index: number): Listing {
    return this.#assignments[index]!.listing
  }
}

function nobody(): TaskError {
  return new TaskError('NO_PROVIDER', 'nobody can do this task', {
    fix: 'shoal ask tells for one task why nobody is fit; shoal offers shows who offers what.',
  })
}

function budgetUsed(): TaskError {
  return new TaskError('TOO_EXPENSIVE', 'the budget is used up', {
    fix: 'Run the tasks that are left with a budget of their own.',
  })
}

function cancelled(): TaskError {
  return new TaskError('CANCELLED', 'the batch was cancelled')
}

function infeasible(best: BatchValues, { budget, deadlineMs, minQuality }: BatchOptions): TaskError {
  const missed = [
    ...(budget !== null && best.cost > Number(budget) / Number(CREDIT)
      ? [`${best.cost.toPrecision(3)} credits are needed`]
      : []),
    ...(deadlineMs !== null && best.seconds > deadlineMs / 1_000
      ? [`${best.seconds.toFixed(1)} s are needed`]
      : []),
    ...(best.quality < minQuality ? [`a mean quality of ${best.quality.toFixed(2)} is reached`] : []),
  ]
  return new TaskError(
    'PLAN_INFEASIBLE',
    `budget, deadline and quality cannot all be held: at best ${missed.join(', ')}`,
    {
      fix: 'Allow more with --budget or --deadline, or ask for less with --min-quality; --plan shows what is possible.',
    },
  )
}

/** What a task that failed had cost. */
function paidUntil({ details }: ShoalError): bigint {
  const { paid } = details as { paid?: unknown }
  return typeof paid === 'string' ? parseCredits(paid) : 0n
}
