import type { Adapter } from '../../../inference/learning/adapter.ts'

/**
 * Ways to make one adapter of many updates. All but the last sum ΔW exactly and differ in the weights:
 * - `stack`: the weights as given, normalised (FLoRA, arXiv 2409.05976; FedEx-LoRA, arXiv 2410.09432);
 * - `clip`: updates longer than the median are shortened to it first;
 * - `krum`, `multi-krum`: Blanchard et al., NeurIPS 2017;
 * - `geometric-median`: RFA, Pillutla et al., arXiv 1912.13445;
 * - `fltrust`: Cao et al., arXiv 2012.13995; needs `trusted`;
 * - `default`: what measures best against all attacks of the benchmark;
 * - `average-factors`: mean of A and mean of B, which is not the mean of BA; a baseline to compare with.
 */
export const AGGREGATION_RULES = [
  'stack',
  'clip',
  'krum',
  'multi-krum',
  'geometric-median',
  'fltrust',
  'default',
  'average-factors',
] as const
export type AggregationRule = (typeof AGGREGATION_RULES)[number]

/** One member's adapter, trained from the parent. */
export interface Update {
  /** Its digest; the order in which everything is computed comes from it. */
  id: string
  author: string
  adapter: Adapter
  /** How much it is worth by its scores, at least 0; at 0 it takes no part. */
  weight: number
}

export interface AggregationOptions {
  rule: AggregationRule
  /** Of the adapter that is made. */
  rank: number
  alpha: number
  /** Name and metadata of the adapter that is made. */
  name: string
  metadata?: Readonly<Record<string, string>>
  /**
   * What the mean of the updates is multiplied by before it is added to the parent. `adaptive` is the ratio of the mean
   * squared norm of updates to the squared norm of their mean (FedExP, arXiv 2301.09604, without its factor ½): 1 when
   * all say the same, the number of updates when they have nothing in common. Defaults to 1.
   */
  outerLearningRate?: number | 'adaptive'
  /** Share of the parent's own step (parent − previous) that is added again. */
  momentum?: { beta: number; previous: Adapter | null }
  /** The largest share of members who may lie, for Krum; defaults to 0.4. */
  byzantineShare?: number
  /** An update that whoever aggregates trained on data of its own; all who recompute need the same. */
  trusted?: Adapter
}

/** What an update had to do with the result. */
export type WeightReason =
  /** Took part with the weight it had. */
  | 'kept'
  /** Took part, made shorter. */
  | 'clipped'
  /** Its scores give it no weight. */
  | 'no_score'
  /** Changes nothing, or next to nothing, of the parent. */
  | 'empty'
  /** The same, or nearly, as one with a smaller id; they share one voice. */
  | 'copy'
  /** Too far from the others, or against the trusted update. */
  | 'outlier'

export interface UpdateWeight {
  id: string
  /** What its difference to the parent was multiplied by, all factors included. */
  weight: number
  reason: WeightReason
}

export interface Aggregate {
  adapter: Adapter
  /** Sorted by id. */
  weights: readonly UpdateWeight[]
  /** Share of ‖ΔW‖² (squared Frobenius norm) that the rank could not hold. */
  discardedEnergy: number
  /** The factor used. */
  outerLearningRate: number
}
