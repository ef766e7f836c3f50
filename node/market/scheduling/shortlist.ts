import type { BatchProblem } from './batch-problem.ts'

/** Providers looked at for a task beside those of greedy plans, for each way of looking. */
const PER_VIEW = 6

/**
 * For each task the providers that are worth trying: the best by cost, by speed, by reliability, and by a mix.
 * @returns row-major `perTask` provider numbers for each task, −1 where there are fewer
 */
export function shortlists(problem: BatchProblem): { providers: Int32Array; perTask: number } {
  const { taskCount, providerCount, cost, seconds, reliability, slots, waitSeconds } = problem
  const views = 4
  const perTask = PER_VIEW * views
  const providers = new Int32Array(taskCount * perTask).fill(-1)
  const scores = new Float64Array(perTask)
  for (let task = 0; task < taskCount; task++) {
    const at = task * perTask
    scores.fill(Number.POSITIVE_INFINITY)
    for (let provider = 0; provider < providerCount; provider++) {
      const pair = task * providerCount + provider
      const price = cost[pair]!
      if (price === Number.POSITIVE_INFINITY) continue
      const time = waitSeconds[provider]! + seconds[pair]!
      const risk = 1 - reliability[provider]!
      insert(providers, scores, at, 0, provider, price)
      insert(providers, scores, at, 1, provider, time)
      insert(providers, scores, at, 2, provider, risk)
      insert(providers, scores, at, 3, provider, (price * (risk + 0.02) * time) / slots[provider]!)
    }
  }
  return { providers, perTask }
}

/** Keeps the least of one view sorted. */
function insert(
  providers: Int32Array,
  scores: Float64Array,
  at: number,
  view: number,
  provider: number,
  score: number,
): void {
  const begin = view * PER_VIEW
  let slot = begin + PER_VIEW - 1
  if (score >= scores[slot]!) return
  while (slot > begin && score < scores[slot - 1]!) {
    scores[slot] = scores[slot - 1]!
    providers[at + slot] = providers[at + slot - 1]!
    slot--
  }
  scores[slot] = score
  providers[at + slot] = provider
}
