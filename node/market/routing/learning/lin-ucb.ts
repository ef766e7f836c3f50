import { createHash } from 'node:crypto'
import { FEATURE, FEATURE_NAMES } from '../features.ts'
import type { PolicyCandidate, RoutingPolicy } from '../policy.ts'
import { ClassModel, type ClassState, type Subject } from './class-model.ts'
import { choiceProbabilities, draw } from './exploration.ts'
import type { PolicySettings } from './policy-settings.ts'

/** What a policy makes of candidates, by their index. */
export interface Evaluation {
  /** Reward expected, and the standard deviation of that. */
  values: Float64Array
  widths: Float64Array
  /** By which candidates are put in order: values with what uncertainty adds. */
  bounds: Float64Array
  /** Chance of each to be put first, exactly; they sum to 1. */
  probabilities: Float64Array
}

/** What was learned of a class of tasks. */
export interface ClassSummary {
  taskClass: string
  /** Outcomes it was learned from. */
  outcomes: number
  /** How much more a candidate is worth than its score, for each feature at 1 beside at 0; in reward. */
  byFeature: Record<string, number>
  /** How much more it is worth for its model alone, beside one that nothing is known of. */
  byModel: Record<string, number>
}

export interface LinUcbOptions {
  settings: PolicySettings
  /** Classes remembered; the least recently learned goes first. Default 128. */
  maxClasses?: number
}

/**
 * A contextual bandit for each class of tasks: LinUCB (Li, Chu, Langford & Schapire, 2010, algorithm 1, with one
 * regression for all arms, since providers come and go) on what the reward differs from the strategy's score. A
 * candidate's bound is score + θᵀx + α·√(xᵀA⁻¹x); what ε leaves to chance is drawn by known probabilities, so that
 * each logged choice has an exact propensity. Before it has learned of a class it orders as the scores do.
 */
export class LinUcbPolicy implements RoutingPolicy {
  #settings: PolicySettings
  #version: string
  readonly #maxClasses: number
  readonly #classes = new Map<string, ClassModel>()

  constructor(options: LinUcbOptions) {
    this.#settings = options.settings
    this.#version = versionOf(options.settings)
    this.#maxClasses = options.maxClasses ?? 128
  }

  get settings(): PolicySettings {
    return this.#settings
  }

  /** Names the settings and what they are, as in `default#1f3a5c7e`. */
  get version(): string {
    return this.#version
  }

  /** Goes on with other settings; what was learned is kept. */
  configure(settings: PolicySettings): void {
    this.#settings = settings
    this.#version = versionOf(settings)
    const { priorWeight, memoryTasks } = settings
    for (const [taskClass, { state }] of this.#classes)
      this.#classes.set(taskClass, new ClassModel({ ridge: priorWeight, memory: memoryTasks, state }))
  }

  choose(input: Parameters<RoutingPolicy['choose']>[0]): ReturnType<RoutingPolicy['choose']> {
    const { bounds, probabilities } = this.evaluate(input)
    const first = draw(probabilities, input.random)
    // The highest bound first, of equals the first; they come nearly in that order.
    const order: number[] = [first]
    for (let index = 0; index < bounds.length; index++) {
      if (index === first) continue
      let place = order.length
      for (; place > 1 && bounds[order[place - 1]!]! < bounds[index]!; place--)
        order[place] = order[place - 1]!
      order[place] = index
    }
    return { order, probability: probabilities[first]!, version: this.#version }
  }

  /** What `choose` goes by. */
  evaluate(input: { taskClass: string; candidates: readonly PolicyCandidate[] }): Evaluation {
    const { candidates } = input
    const { kind, alpha, priorWeight, floors, explorationRate: rate, newcomerWeight } = this.#settings
    const count = candidates.length
    const model = kind === 'linucb' ? this.#classes.get(input.taskClass) : undefined
    const values = new Float64Array(count)
    const widths = new Float64Array(count)
    const bounds = new Float64Array(count)
    const isLow: boolean[] = []
    let allLow = true
    let best = 0
    for (let index = 0; index < count; index++) {
      const candidate = candidates[index]!
      const { features, score } = candidate
      const low =
        features[FEATURE.reliability]! < floors.reliability || features[FEATURE.quality]! < floors.quality
      isLow.push(low)
      if (!low) allLow = false
      values[index] = score
      if (model !== undefined) {
        const { value, width } = model.estimate(candidate)
        values[index]! += value
        widths[index] = width
      } else if (kind === 'linucb') widths[index] = ClassModel.initialWidth(priorWeight)
      // Still in an order among themselves: they are what is left when the others have failed.
      bounds[index] = values[index]! + alpha * widths[index]! - (low ? 1e6 : 0)
      if (bounds[index]! > bounds[best]!) best = index
    }
    const weights: number[] = []
    for (let index = 0; index < count; index++)
      weights.push(isLow[index]! && !allLow ? 0 : candidates[index]!.isNewcomer ? newcomerWeight : 1)
    return { values, widths, bounds, probabilities: choiceProbabilities(weights, best, rate) }
  }

  learn(input: Parameters<RoutingPolicy['learn']>[0]): void {
    const { taskClass, score, reward } = input
    const { priorWeight, memoryTasks } = this.#settings
    const model = this.#classes.get(taskClass) ?? new ClassModel({ ridge: priorWeight, memory: memoryTasks })
    model.update(input, reward - score)
    this.#keep(taskClass, model)
  }

  /** Takes in that an outcome it had learned from was in truth worth `by` more. */
  correct(input: Subject & { taskClass: string; by: number }): void {
    this.#classes.get(input.taskClass)?.correct(input, input.by)
  }

  /** What was learned, the least recently first. */
  summary(): ClassSummary[] {
    return [...this.#classes].map(([taskClass, model]) => ({
      taskClass,
      outcomes: model.updates,
      byFeature: Object.fromEntries(FEATURE_NAMES.map((name, at) => [name, byFeature(model, at)])),
      byModel: Object.fromEntries(
        model.state.models.map(name => [
          name,
          model.estimate({ features: MIDDLING, model: name }).value -
            model.estimate({ features: MIDDLING, model: '' }).value,
        ]),
      ),
    }))
  }

  /** To be stored, by class. */
  state(taskClass: string): ClassState | null {
    return this.#classes.get(taskClass)?.state ?? null
  }

  /** Goes on from a stored state; one that cannot be is left out. @returns whether it was taken */
  restore(taskClass: string, state: ClassState): boolean {
    if (!ClassModel.isState(state)) return false
    const { priorWeight, memoryTasks } = this.#settings
    this.#keep(taskClass, new ClassModel({ ridge: priorWeight, memory: memoryTasks, state }))
    return true
  }

  /** Forgets all that was learned. */
  reset(): void {
    this.#classes.clear()
  }

  #keep(taskClass: string, model: ClassModel): void {
    this.#classes.delete(taskClass)
    this.#classes.set(taskClass, model)
    if (this.#classes.size > this.#maxClasses) this.#classes.delete(this.#classes.keys().next().value!)
  }
}

function versionOf(settings: PolicySettings): string {
  return `${settings.name}#${createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8)}`
}

const MIDDLING: readonly number[] = FEATURE_NAMES.map(name => (name === 'bias' ? 1 : 0.5))

/** Of candidates of a model nothing is known of, in the middle of all features but one. */
function byFeature(model: ClassModel, feature: number): number {
  const at = (value: number) => model.estimate({ features: MIDDLING.with(feature, value), model: '' }).value
  return at(1) - at(0)
}
