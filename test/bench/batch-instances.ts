import type { BatchConstraints, BatchProblem } from '../../node/market/scheduling/batch-problem.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

const FREE: BatchConstraints = {
  budget: Number.POSITIVE_INFINITY,
  deadlineSeconds: Number.POSITIVE_INFINITY,
  minQuality: 0,
}

/**
 * A batch as markets have them: prompts and answers of skewed lengths, fast providers dearer than slow ones, a
 * few unreliable, a fifth with a queue, and one pair in twenty impossible.
 */
export function batchInstance(options: {
  seed: number
  tasks: number
  providers: number
  constraints?: Partial<BatchConstraints>
}): BatchProblem {
  const { seed, tasks, providers, constraints } = options
  const random = seededRandom(seed)
  const numbers = (count: number, make: () => number) => Float64Array.from({ length: count }, make)
  const promptTokens = numbers(tasks, () => 50 + Math.floor(2_000 * random() ** 3))
  const outputTokens = numbers(tasks, () => 16 + Math.floor(1_000 * random() ** 2))
  const tokensPerSecond = numbers(providers, () => 10 * Math.exp(2.5 * random()))
  const creditsPerMillion = tokensPerSecond.map(
    speed => 0.2 * Math.exp(1.2 * random()) * Math.sqrt(speed / 40),
  )
  const reliability = numbers(providers, () => 1 - 0.3 * random() ** 2 * (0.3 + 0.7 * random()))
  const cost = new Float64Array(tasks * providers)
  const seconds = new Float64Array(tasks * providers)
  for (let task = 0; task < tasks; task++) {
    for (let provider = 0; provider < providers; provider++) {
      const pair = task * providers + provider
      const tokens = promptTokens[task]! * 0.25 + outputTokens[task]!
      cost[pair] = random() < 0.05 ? Number.POSITIVE_INFINITY : (tokens * creditsPerMillion[provider]!) / 1e6
      seconds[pair] = 0.2 + (promptTokens[task]! / 20 + outputTokens[task]!) / tokensPerSecond[provider]!
    }
  }
  return {
    taskCount: tasks,
    providerCount: providers,
    cost,
    seconds,
    reliability,
    quality: numbers(providers, () => 0.4 + 0.6 * random()),
    slots: numbers(providers, () => 1 + Math.floor(4 * random())),
    waitSeconds: numbers(providers, () => (random() < 0.2 ? 20 : 1) * random()),
    constraints: { ...FREE, ...constraints },
  }
}
