import type { Strategy } from '../preferences.ts'

/** What a prediction is judged by; `weights` say how much. */
export const COMPONENTS = ['cost', 'time', 'quality', 'privacy', 'nearness'] as const
export type Component = (typeof COMPONENTS)[number]

/** Shares of a whole: what each component counts. Only their proportions matter. */
export type Weights = Readonly<Record<Component, number>>

/** What scores are measured by. */
export interface Scale {
  strategy: Strategy
  weights: Weights
  /** Credits and ms a middling listing would need for the demand: a component of it is worth one half. */
  cost: number
  timeMs: number
  /** How strongly reliability counts: the score is multiplied by reliability to this power. */
  reliabilityExponent: number
}

/** What the router can be set to while it runs. */
export interface Tuning {
  weights: Readonly<Record<Strategy, Weights>>
  reliabilityExponent: number
  /** What is tried out may cost so many times as much as the best, at the most. */
  explorationCost: number
  /** Places among the candidates that are kept for newcomers. */
  newcomerPlaces: number
  /** With fewer tasks of ours than that, a provider is a newcomer. */
  newcomerTasks: number
}
