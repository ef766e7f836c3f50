import type { StrangerKind } from '../../trust/evidence.ts'
import type { Strategy } from '../preferences.ts'

/** What a prediction is judged by; `weights` say how much. */
export const COMPONENTS = ['cost', 'time', 'quality', 'privacy', 'nearness'] as const
export type Component = (typeof COMPONENTS)[number]

/** Shares of a whole: what each component counts. Only their proportions matter. */
export type Weights = Readonly<Record<Component, number>>

/** What scores are measured by. */
export interface Scale {
  strategy: Strategy
  /** Sum to 1. */
  weights: Weights
  /** Credits and ms a middling listing would need for the demand: that much is worth one half. */
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
  /** Places among the candidates that are kept for newcomers of each kind. */
  newcomerPlaces: number
  /** Share of tasks given to newcomers at most, and what share of all tasks may be lost to cheats among them. */
  maxTrials: number
  trialRisk: number
  /** What each kind of newcomers may lose of what those before it, in the order of STRANGER_KINDS, leave of that risk. */
  trialRiskShares: Readonly<Record<StrangerKind, number>>
}

export const DEFAULT_TUNING: Tuning = {
  weights: {
    balanced: { cost: 0.35, time: 0.35, quality: 0.3, privacy: 0, nearness: 0 },
    cost: { cost: 0.85, time: 0.1, quality: 0.05, privacy: 0, nearness: 0 },
    speed: { cost: 0.1, time: 0.85, quality: 0.05, privacy: 0, nearness: 0 },
    quality: { cost: 0.1, time: 0.1, quality: 0.8, privacy: 0, nearness: 0 },
    privacy: { cost: 0.1, time: 0.1, quality: 0.1, privacy: 0.7, nearness: 0 },
    geo: { cost: 0.1, time: 0.1, quality: 0.1, privacy: 0, nearness: 0.7 },
  },
  reliabilityExponent: 1,
  explorationCost: 2,
  newcomerPlaces: 2,
  maxTrials: 0.15,
  trialRisk: 0.018,
  trialRiskShares: { staked: 0.9, unstaked: 0.9, suspected: 0.3 },
}

/** Keeps a division by it defined where everything is free. */
export const LEAST = 1e-12

/**
 * What an amount is worth beside a middling one, 0 to 1: 1 for nothing, one half for the middling amount, the
 * less the more, never 0. Unlike a scale from the least to the most, one wild amount among the listings changes
 * nothing for the others.
 */
export function worth(amount: number, middling: number): number {
  return (middling + LEAST) / (middling + LEAST + amount)
}

/** The same proportions with the sum of 1; those of equal parts where all are 0. */
export function normalised(weights: Weights): Weights {
  const sum = COMPONENTS.reduce((total, name) => total + Math.max(0, weights[name]), 0)
  return Object.fromEntries(
    COMPONENTS.map(name => [name, sum > 0 ? Math.max(0, weights[name]) / sum : 1 / COMPONENTS.length]),
  ) as Weights
}

/**
 * The score of a listing:
 *
 *   score = reliability^ρ × (w_cost · S_c / (S_c + cost) + w_time · S_t / (S_t + time) + w_quality · quality
 *           + w_privacy · privacy + w_nearness · nearness)
 *
 * with S_c and S_t the median cost and time of the listings that could be meant. It is an expected utility: with
 * the chance of `reliability` the task ends well and is worth the weighted sum, else nothing.
 * @param parts each 0 to 1, see `worth`
 * @returns 0 to 1
 */
export function scoreOf(
  parts: Readonly<Record<Component, number>>,
  reliability: number,
  { weights, reliabilityExponent }: Pick<Scale, 'weights' | 'reliabilityExponent'>,
): number {
  const utility =
    weights.cost * parts.cost +
    weights.time * parts.time +
    weights.quality * parts.quality +
    weights.privacy * parts.privacy +
    weights.nearness * parts.nearness
  // The usual exponent is 1, and to raise is slow.
  return (reliabilityExponent === 1 ? reliability : reliability ** reliabilityExponent) * utility
}
