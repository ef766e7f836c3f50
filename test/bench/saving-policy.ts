import {
  type PolicySettings,
  policySettingsSchema,
} from '../../node/market/routing/learning/policy-settings.ts'
import { meanOf } from './paired-bootstrap.ts'
import { type Result, routed, type Workload } from './saving-routing.ts'
import type { Question } from './saving-workload.ts'

/** What of a policy file is chosen: see `PolicySettings`, and the weight of cost in the strategy `quality`. */
export interface Parameters {
  alpha: number
  priorWeight: number
  explorationRate: number
  costWeight: number
}

/** What `chooseParameters` made of the tuning part; run `saving-tuning.ts` to see it again. */
export const CHOSEN: Parameters = { alpha: 0.05, priorWeight: 2, explorationRate: 0.02, costWeight: 0.1 }
/** Questions of each kind that every model is asked, and rated on, before routing is left to itself. */
export const CALIBRATION_PER_KIND = 100

const GRID: Readonly<Record<keyof Parameters, readonly number[]>> = {
  alpha: [0.05, 0.1, 0.2],
  priorWeight: [0.5, 2],
  explorationRate: [0.02, 0.05],
  costWeight: [0.1, 0.12],
}
/** As built in; what cost does not count counts for quality. */
const TIME_WEIGHT = 0.1
/** Somewhat below the goal, since the best of many looks better than it is. */
const MOST_COST = 0.55

/** The policy file of an operator who wants answers as good as the best single model's for less. */
export function policyOf({ costWeight, ...settings }: Parameters): PolicySettings {
  const quality = {
    ...{ cost: costWeight, time: TIME_WEIGHT, quality: 1 - TIME_WEIGHT - costWeight },
    ...{ privacy: 0, nearness: 0 },
  }
  return policySettingsSchema.parse({ name: 'saving', ...settings, weights: { quality } })
}

export interface RunsOptions {
  parameters: Parameters
  runs: number
  calibration: Workload | null
}

/** Runs differ by the order of questions and by the lots that are drawn. */
export function runsOf(workload: Workload, { parameters, runs, calibration }: RunsOptions): Result[][] {
  const settings = policyOf(parameters)
  return Array.from({ length: runs }, (_, run) => routed(workload, { seed: run + 1, settings, calibration }))
}

/** Those questions of a workload of which `isWanted` says so, with the answers to them. */
export function partOf({ questions, catalogue }: Workload, isWanted: (at: number) => boolean): Workload {
  const part = <T>(all: readonly T[]) => all.filter((_, at) => isWanted(at))
  return {
    questions: part(questions),
    catalogue: catalogue.map(({ answers, results, ...model }) => ({
      ...model,
      answers: part(answers),
      results: part(results),
    })),
  }
}

/** In which fold each question is, from 0: of each kind `CALIBRATION_PER_KIND` in each. */
export function foldsOf(questions: readonly Question[]): number[] {
  const seen = new Map<string, number>()
  return questions.map(({ kind }) => {
    const number = seen.get(kind) ?? 0
    seen.set(kind, number + 1)
    return Math.floor(number / CALIBRATION_PER_KIND)
  })
}

/** A point of the grid with the means of its runs. */
export interface Trial extends Result {
  parameters: Parameters
}

/**
 * Tries a grid of parameters on questions that may be looked at, by cross-validation: calibrated on one fold, which has
 * `CALIBRATION_PER_KIND` of each kind, and measured on the others, for each fold in turn. Chosen is the one with
 * the most quality among those that cost at most 0.55 of the best single model.
 * @returns null for `chosen` where all cost more
 */
export function chooseParameters(
  workload: Workload,
  options: { runs: number },
): { trials: Trial[]; chosen: Trial | null } {
  const { questions, catalogue } = workload
  const foldAt = foldsOf(questions)
  const folds = [...new Set(foldAt)].map(fold => ({
    calibration: partOf(workload, at => foldAt[at] === fold),
    rest: partOf(workload, at => foldAt[at] !== fold),
  }))
  const trials = grid().map(parameters => ({
    parameters,
    ...meanOf(
      folds.flatMap(({ calibration, rest }) => runsOf(rest, { parameters, calibration, ...options }).flat()),
    ),
  }))
  const best = catalogue
    .map(({ results }) => meanOf(results))
    .reduce((better, one) => (one.quality > better.quality ? one : better))
  const [chosen = null] = trials
    .filter(({ credits }) => credits <= MOST_COST * best.credits)
    .sort((a, b) => b.quality - a.quality)
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
