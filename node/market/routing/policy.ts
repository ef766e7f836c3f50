/** One of those a policy may put first. */
export interface PolicyCandidate {
  /** Id of the model it would run. */
  model: string
  /** In the order of FEATURE_NAMES, each 0 to 1. */
  features: ArrayLike<number>
  /** What the strategy makes of the prediction, 0 to 1. */
  score: number
  /** Whether we hardly know it yet. */
  isNewcomer: boolean
}

/**
 * Sets the order of candidates and learns from how it went. The router hands over only candidates that may be
 * first: none costs much more than the one with the best score, whatever the policy.
 */
export interface RoutingPolicy {
  /**
   * @param input.candidates at least one, the best score first
   * @returns `order`: every index of `candidates` once, the best first. `probability`: with which the first was
   *   put first, above 0. `version`: names the policy and what it has been set to.
   */
  choose(input: { taskClass: string; candidates: readonly PolicyCandidate[]; random: () => number }): {
    order: number[]
    probability: number
    version: string
  }
  /**
   * @param input.score what the strategy had made of the candidate
   * @param input.reward 0 to 1
   */
  learn(input: {
    taskClass: string
    model: string
    features: ArrayLike<number>
    score: number
    reward: number
  }): void
}

export interface GreedyOptions {
  /** Share of tasks that go to another than the best, 0 to 1. */
  exploration: number
}

/** Enough to notice newcomers and changes, too little to cost much. */
const DEFAULT_EXPLORATION = 0.05

/**
 * The order of the scores, but for a share of tasks that go to a newcomer, or to any other where there is none
 * (ε-greedy: Sutton and Barto, Reinforcement Learning, 2nd edition, section 2.2). Learns nothing.
 */
export class GreedyPolicy implements RoutingPolicy {
  readonly #exploration: number

  constructor(options: Partial<GreedyOptions> = {}) {
    this.#exploration = options.exploration ?? DEFAULT_EXPLORATION
  }

  choose({
    candidates,
    random,
  }: Parameters<RoutingPolicy['choose']>[0]): ReturnType<RoutingPolicy['choose']> {
    const order = candidates.map((_, index) => index)
    const version = `greedy ${this.#exploration}`
    const newcomers = order.filter(index => index > 0 && candidates[index]!.isNewcomer)
    const explorable = newcomers.length > 0 ? newcomers : order.slice(1)
    if (explorable.length === 0) return { order, probability: 1, version }
    if (random() >= this.#exploration) return { order, probability: 1 - this.#exploration, version }
    const explored = explorable[Math.floor(random() * explorable.length)]!
    order.splice(explored, 1)
    order.unshift(explored)
    return { order, probability: this.#exploration / explorable.length, version }
  }

  learn(): void {}
}
