import { contextDimensions, contextVector } from './context-vector.ts'
import { choiceProbabilities, draw } from './exploration.ts'
import type { PolicySettings } from './policy-settings.ts'
import { RidgeModel, type RidgeState } from './ridge-model.ts'

/** What a policy is given of a candidate. */
export interface PolicyCandidate {
  /** Within [0, 1], as named by `FEATURE_NAMES`. */
  features: Float64Array
  /** What the strategy makes of it, 0 to 1. */
  score: number
  isNewcomer: boolean
}

export interface PolicyChoice {
  /** Indices of candidates, the first to be tried first. */
  order: number[]
  /** With which the first came first, exactly. */
  probability: number
  version: string
  /** Whether chance put it first. */
  explored: boolean
  /** By candidate: reward expected, and standard deviation of that. */
  values: Float64Array
  widths: Float64Array
}

export interface LinUcbOptions {
  settings: PolicySettings
  /** How many features candidates have. */
  features: number
  /** Classes remembered; the least recently used goes first. Default 64. */
  maxClasses?: number
}

/**
 * A contextual bandit for each class of tasks: LinUCB (Li, Chu, Langford & Schapire, 2010, algorithm 1, with one
 * model shared by all arms, since providers come and go), on what the reward differs from the strategy's score.
 * A candidate's value is score + θᵀx + α·√(xᵀA⁻¹x); what `ε` leaves to chance is drawn by known probabilities, so that
 * every logged choice has an exact propensity.
 */
export class LinUcbPolicy {
  #settings: PolicySettings
  readonly #features: number
  readonly #maxClasses: number
  readonly #classes = new Map<string, RidgeModel>()

  constructor(options: LinUcbOptions) {
    this.#settings = options.settings
    this.#features = options.features
    this.#maxClasses = options.maxClasses ?? 64
  }

  get settings(): PolicySettings {
    return this.#settings
  }

  /** Goes on with other settings; what was learned is kept. */
  configure(settings: PolicySettings): void {
    this.#settings = settings
  }

  /** Classes with what was learned of them. */
  classes(): { taskClass: string; updates: number }[] {
    return [...this.#classes].map(([taskClass, { updates }]) => ({ taskClass, updates }))
  }

  choose(input: {
    taskClass: string
    candidates: readonly PolicyCandidate[]
    random: () => number
  }): PolicyChoice {
    const { candidates, random } = input
    const { values, widths, bounds, probabilities } = this.evaluate(input)
    const order = candidates.map((_, index) => index).sort((a, b) => bounds[b]! - bounds[a]! || a - b)
    const best = order[0]
    if (best === undefined) return { order, probability: 1, version: this.#settings.name, explored: false, values, widths }
    const chosen = draw(probabilities, random)
    if (chosen !== best) {
      order.splice(order.indexOf(chosen), 1)
      order.unshift(chosen)
    }
    return {
      order,
      probability: probabilities[chosen]!,
      version: this.#settings.name,
      explored: chosen !== best,
      values,
      widths,
    }
  }

  /** What `choose` goes by: expected rewards, their deviations, upper bounds, and the chance of each to come first. */
  evaluate(input: { taskClass: string; candidates: readonly PolicyCandidate[] }): {
    values: Float64Array
    widths: Float64Array
    bounds: Float64Array
    probabilities: Float64Array
  } {
    const { candidates } = input
    const settings = this.#settings
    const model = settings.kind === 'linucb' ? this.#classes.get(input.taskClass) : undefined
    const values = new Float64Array(candidates.length)
    const widths = new Float64Array(candidates.length)
    const bounds = new Float64Array(candidates.length)
    let best = 0
    candidates.forEach(({ features, score }, index) => {
      // An unknown class: no corrections, and the same uncertainty for all.
      const x = model === undefined ? null : contextVector(features)
      values[index] = score + (x === null ? 0 : model!.predict(x))
      widths[index] = x === null ? 1 / Math.sqrt(settings.priorWeight) : model!.width(x)
      bounds[index] = settings.kind === 'greedy' ? score : values[index]! + settings.alpha * widths[index]!
      if (bounds[index]! > bounds[best]!) best = index
    })
    const probabilities = choiceProbabilities(candidates, best, {
      rate: settings.explorationRate,
      band: settings.explorationBand,
      newcomerWeight: settings.newcomerWeight,
    })
    return { values, widths, bounds, probabilities }
  }

  /**
   * Takes in how it went with a candidate.
   * @param input.score what the strategy had made of it
   * @param input.reward 0 to 1
   */
  learn(input: { taskClass: string; features: Float64Array; score: number; reward: number }): void {
    this.#modelOf(input.taskClass).update(contextVector(input.features), input.reward - input.score)
  }

  /** What was learned, to be stored: by class, the least recently used first. */
  *states(): Generator<[taskClass: string, state: RidgeState]> {
    for (const [taskClass, model] of this.#classes) yield [taskClass, model.state]
  }

  /** Goes on from a stored state; one of other features is left out. @returns whether it was taken */
  restore(taskClass: string, state: RidgeState): boolean {
    if (state.moments.length !== contextDimensions(this.#features)) return false
    this.#keep(taskClass, this.#newModel(state))
    return true
  }

  #modelOf(taskClass: string): RidgeModel {
    const known = this.#classes.get(taskClass)
    const model = known ?? this.#newModel()
    this.#keep(taskClass, model)
    return model
  }

  #keep(taskClass: string, model: RidgeModel): void {
    this.#classes.delete(taskClass)
    this.#classes.set(taskClass, model)
    if (this.#classes.size > this.#maxClasses) this.#classes.delete(this.#classes.keys().next().value!)
  }

  #newModel(state?: RidgeState): RidgeModel {
    const { priorWeight, memoryTasks } = this.#settings
    return new RidgeModel({
      dimensions: contextDimensions(this.#features),
      ridge: priorWeight,
      memory: memoryTasks,
      ...(state === undefined ? {} : { state }),
    })
  }
}
