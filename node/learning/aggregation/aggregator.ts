import type { AggregationOptions, UpdateWeight } from './rules.ts'

/** An aggregation of files: nothing of the adapters passes through the event loop that asks. */
export interface AggregationJob {
  updates: readonly { id: string; author: string; path: string; weight: number }[]
  parentPath: string | null
  trustedPath?: string
  /** Of the round before the parent, for `momentum`. */
  previousPath?: string
  options: Omit<AggregationOptions, 'trusted' | 'momentum'> & { momentumBeta?: number }
  /** The adapter; it appears whole or not at all. */
  outPath: string
}

export interface AggregationResult {
  digest: string
  bytes: number
  weights: readonly UpdateWeight[]
  discardedEnergy: number
  outerLearningRate: number
}

/** Aggregates in a thread of its own, one job at a time; further ones wait. */
export class Aggregator {
  /** @throws as `aggregate`, AdapterError of files that cannot be read, AggregationError CANCELLED */
  async run(job: AggregationJob, options: { signal?: AbortSignal } = {}): Promise<AggregationResult> {
    throw new Error(`not yet: ${job.outPath} ${options.signal}`)
  }

  /** Ends what runs and what waits; idempotent. */
  async stop(): Promise<void> {}
}
