/**
 * Which provider does which task of a batch. Matrices are row-major, one row a task, one column a provider.
 */
export interface BatchProblem {
  taskCount: number
  providerCount: number
  /** Expected cost of each pair, credits; Infinity where the provider cannot or may not do the task. */
  cost: Float64Array
  /** Expected time of each pair once begun, seconds. */
  seconds: Float64Array
  /** Chance that a task given to this provider ends well, 0 to 1. */
  reliability: Float64Array
  /** Quality of this provider's answers, 0 to 1. */
  quality: Float64Array
  /** Tasks a provider does at once, at least 1. */
  slots: Float64Array
  /** Seconds until a provider can begin: its queue and the network. */
  waitSeconds: Float64Array
  constraints: BatchConstraints
}

export interface BatchConstraints {
  /** Credits all tasks together may cost; Infinity for no limit. */
  budget: number
  /** Seconds within which all must be done; Infinity for no limit. */
  deadlineSeconds: number
  /** Least mean quality, 0 to 1. */
  minQuality: number
}

/** What an assignment comes to. The first three are what is optimised, each the smaller the better. */
export interface BatchValues {
  /** Credits, all tasks. */
  cost: number
  /** Seconds until the last task is done. */
  seconds: number
  /** Tasks expected to fail, Σ (1 − reliability). */
  failures: number
  /** Mean. */
  quality: number
  /** How far the constraints are missed, relative to each, summed; 0 when all hold. */
  violation: number
}

export const OBJECTIVES = 3

/** Evaluates assignments without allocating: one a problem, not to be shared between threads. */
export class BatchEvaluator {
  readonly #problem: BatchProblem
  readonly #load: Float64Array
  readonly #longest: Float64Array
  readonly #touched: Int32Array
  /** Provider that ended last in the assignment evaluated last. */
  bottleneck = -1

  constructor(problem: BatchProblem) {
    this.#problem = problem
    this.#load = new Float64Array(problem.providerCount)
    this.#longest = new Float64Array(problem.providerCount)
    this.#touched = new Int32Array(problem.taskCount)
  }

  /**
   * Values of one assignment. A provider's tasks fill its slots evenly, so that it is done after
   * max(longest task, Σ seconds / slots): the optimum of McNaughton (1959), which list scheduling comes
   * near to when there are many tasks.
   * @param genes provider of each task; begins at `offset`
   * @param out cost, seconds, failures, quality, violation are written here from `at` on
   */
  evaluate(genes: Int32Array, offset: number, out: Float64Array, at: number): void {
    const { taskCount, providerCount, cost, seconds, reliability, quality, slots, waitSeconds, constraints } =
      this.#problem
    const load = this.#load
    const longest = this.#longest
    const touched = this.#touched
    let touchedCount = 0
    let assigned = 0
    let totalCost = 0
    let failures = 0
    let totalQuality = 0
    for (let task = 0; task < taskCount; task++) {
      const provider = genes[offset + task]!
      // Nobody can do it: it is no part of the plan.
      if (provider < 0) continue
      assigned++
      const pair = task * providerCount + provider
      totalCost += cost[pair]!
      failures += 1 - reliability[provider]!
      totalQuality += quality[provider]!
      const taskSeconds = seconds[pair]!
      if (load[provider] === 0) touched[touchedCount++] = provider
      load[provider]! += taskSeconds
      if (taskSeconds > longest[provider]!) longest[provider] = taskSeconds
    }
    let end = 0
    for (let i = 0; i < touchedCount; i++) {
      const provider = touched[i]!
      const done = waitSeconds[provider]! + Math.max(longest[provider]!, load[provider]! / slots[provider]!)
      if (done > end) {
        end = done
        this.bottleneck = provider
      }
      load[provider] = 0
      longest[provider] = 0
    }
    const meanQuality = assigned === 0 ? 1 : totalQuality / assigned
    out[at] = totalCost
    out[at + 1] = end
    out[at + 2] = failures
    out[at + 3] = meanQuality
    out[at + 4] =
      excess(totalCost, constraints.budget) +
      excess(end, constraints.deadlineSeconds) +
      excess(constraints.minQuality, meanQuality)
  }
}

/** Numbers `evaluate` writes. */
export const VALUES_PER_PLAN = 5

export function valuesAt(values: Float64Array, at: number): BatchValues {
  return {
    cost: values[at]!,
    seconds: values[at + 1]!,
    failures: values[at + 2]!,
    quality: values[at + 3]!,
    violation: values[at + 4]!,
  }
}

/** Sums of decimal amounts are off by that much at the most. */
const ROUNDING = 1e-9

/** How far `value` lies above `limit`, as a share of the limit. */
function excess(value: number, limit: number): number {
  return value <= limit * (1 + ROUNDING) ? 0 : (value - limit) / Math.max(limit, 1e-9)
}
