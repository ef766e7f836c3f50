import type { BatchProblem } from './batch-problem.ts'

/** What a greedy assignment looks at first. */
export interface GreedyRule {
  /** Weights of a pair's cost and of its chance to fail, each relative to the mean over providers. */
  costWeight: number
  failureWeight: number
  /** Seconds a provider may be done after, at the latest, as long as any can; Infinity for no cap. */
  capSeconds: number
  /** Providers of less quality are left alone where others can do it. */
  minQuality: number
}

/**
 * List scheduling: tasks by falling length (LPT, Graham 1969), each to the provider with the least weighted cost
 * among those that end within the cap, or else to the one that ends first.
 * @returns the provider of each task; −1 where none can do it
 */
export class GreedyScheduler {
  readonly #problem: BatchProblem
  readonly #order: Int32Array
  readonly #meanCost: number
  readonly #risk: Float64Array
  readonly #perSlot: Float64Array
  readonly #load: Float64Array
  readonly #longest: Float64Array

  constructor(problem: BatchProblem) {
    this.#problem = problem
    this.#order = longestFirst(problem)
    this.#meanCost = Math.max(meanOfFinite(problem.cost), Number.MIN_VALUE)
    this.#risk = problem.reliability.map(reliability => 1 - reliability)
    this.#perSlot = problem.slots.map(slots => 1 / slots)
    this.#load = new Float64Array(problem.providerCount)
    this.#longest = new Float64Array(problem.providerCount)
  }

  assign(rule: GreedyRule): Int32Array {
    const { taskCount, providerCount, seconds } = this.#problem
    const genes = new Int32Array(taskCount).fill(-1)
    this.#load.fill(0)
    this.#longest.fill(0)
    for (const task of this.#order) {
      const row = task * providerCount
      let chosen = rule.capSeconds > 0 ? this.#cheapest(row, rule) : -1
      if (chosen < 0) chosen = this.#first(row, rule.minQuality)
      // Nobody is good enough: the nearest to it.
      if (chosen < 0) chosen = this.#finest(row)
      if (chosen < 0) continue
      genes[task] = chosen
      const time = seconds[row + chosen]!
      this.#load[chosen]! += time
      if (time > this.#longest[chosen]!) this.#longest[chosen] = time
    }
    return genes
  }

  /** Of least weighted cost among those that end in time. */
  #cheapest(row: number, { costWeight, failureWeight, capSeconds, minQuality }: GreedyRule): number {
    const { providerCount, cost, quality } = this.#problem
    const costScale = costWeight / this.#meanCost
    let best = -1
    let bestScore = Number.POSITIVE_INFINITY
    for (let provider = 0; provider < providerCount; provider++) {
      const score = cost[row + provider]! * costScale + this.#risk[provider]! * failureWeight
      if (score >= bestScore || quality[provider]! < minQuality) continue
      if (this.#finish(row, provider) > capSeconds) continue
      bestScore = score
      best = provider
    }
    return best
  }

  /** Who ends first. */
  #first(row: number, minQuality: number): number {
    const { providerCount, cost, quality } = this.#problem
    let best = -1
    let bestFinish = Number.POSITIVE_INFINITY
    for (let provider = 0; provider < providerCount; provider++) {
      const finish = this.#finish(row, provider)
      if (finish >= bestFinish || quality[provider]! < minQuality) continue
      if (cost[row + provider] === Number.POSITIVE_INFINITY) continue
      bestFinish = finish
      best = provider
    }
    return best
  }

  /** Of the best quality. */
  #finest(row: number): number {
    const { providerCount, cost, quality } = this.#problem
    let best = -1
    for (let provider = 0; provider < providerCount; provider++) {
      if (cost[row + provider] === Number.POSITIVE_INFINITY) continue
      if (best < 0 || quality[provider]! > quality[best]!) best = provider
    }
    return best
  }

  #finish(row: number, provider: number): number {
    const time = this.#problem.seconds[row + provider]!
    const share = (this.#load[provider]! + time) * this.#perSlot[provider]!
    return this.#problem.waitSeconds[provider]! + Math.max(share, time, this.#longest[provider]!)
  }
}

/** Tasks by falling mean length over the providers that can do them. */
function longestFirst(problem: BatchProblem): Int32Array {
  const { taskCount, providerCount, seconds } = problem
  const mean = new Float64Array(taskCount)
  for (let task = 0; task < taskCount; task++)
    mean[task] = meanOfFinite(seconds.subarray(task * providerCount, (task + 1) * providerCount))
  return Int32Array.from({ length: taskCount }, (_, i) => i).sort((a, b) => mean[b]! - mean[a]!)
}

function meanOfFinite(values: Float64Array): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value === Number.POSITIVE_INFINITY) continue
    sum += value
    count++
  }
  return count === 0 ? 0 : sum / count
}
