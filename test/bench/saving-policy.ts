import {
  type PolicySettings,
  policySettingsSchema,
} from '../../node/market/routing/learning/policy-settings.ts'
import { meanOf } from './paired-bootstrap.ts'
import { type Priced, type Result, routed } from './saving-routing.ts'
import type { Question } from './saving-workload.ts'

/** What of a policy file is chosen: see `PolicySettings`, and the weight of cost in the strategy `quality`. */
export interface Parameters {
  alpha: number
  priorWeight: number
  explorationRate: number
  costWeight: number
}

/** What `chooseParameters` made of the tuning part; run `saving-tuning.ts` to see it again. */
export const CHOSEN: Parameters = { alpha: 0.05, priorWeight: 0.5, explorationRate: 0.02, costWeight: 0.14 }

const GRID: Readonly<Record<keyof Parameters, readonly number[]>> = {
  alpha: [0.05, 0.1, 0.2, 0.4],
  priorWeight: [0.25, 0.5, 1, 2],
  explorationRate: [0.02, 0.05],
  costWeight: [0.1, 0.14, 0.2],
}
/** As built in; what cost does not count counts for quality. */
const TIME_WEIGHT = 0.1
/** Half of what counts as equal when it is reported, since the best of many looks better than it is. */
const MAX_QUALITY_LOST = 0.0025

/** The policy file of an operator who wants answers as good as the best single model's for less. */
export function policyOf({ costWeight, ...settings }: Parameters): PolicySettings {
  const quality = {
    ...{ cost: costWeight, time: TIME_WEIGHT, quality: 1 - TIME_WEIGHT - costWeight },
    ...{ privacy: 0, nearness: 0 },
  }
  return policySettingsSchema.parse({ name: 'saving', ...settings, weights: { quality } })
}

/** Runs differ by the order of questions and by the lots that are drawn. */
export function runsOf(
  questions: readonly Question[],
  catalogue: readonly Priced[],
  { parameters, runs }: { parameters: Parameters; runs: number },
): Result[][] {
  const settings = policyOf(parameters)
  return Array.from({ length: runs }, (_, run) => routed(questions, catalogue, { seed: run + 1, settings }))
}

/** A point of the grid with the means of its runs. */
export interface Trial extends Result {
  parameters: Parameters
}

/**
 * Tries a grid of parameters on questions that may be looked at. Chosen is the cheapest that loses at most a quarter of
 * a point of quality beside the best single model.
 * @returns null for `chosen` where all lose more
 */
export function chooseParameters(
  questions: readonly Question[],
  catalogue: readonly Priced[],
  options: { runs: number },
): { trials: Trial[]; chosen: Trial | null } {
  const least = Math.max(...catalogue.map(({ results }) => meanOf(results).quality)) - MAX_QUALITY_LOST
  const trials = grid().map(parameters => ({
    parameters,
    ...meanOf(runsOf(questions, catalogue, { parameters, ...options }).flat()),
  }))
  const [chosen = null] = trials
    .filter(({ quality }) => quality >= least)
    .sort((a, b) => a.credits - b.credits)
  return { trials, chosen }
}

function grid(): Parameters[] {
  const { alpha, priorWeight, explorationRate, costWeight } = GRID
  return costWeight.flatMap(cost =>
    alpha.flatMap(a =>
      priorWeight.flatMap(prior =>
        explorationRate.map(rate => ({
          alpha: a,
          priorWeight: prior,
          explorationRate: rate,
          costWeight: cost,
        })),
      ),
    ),
  )
}
