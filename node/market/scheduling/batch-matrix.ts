import { CREDIT } from '../../../protocol/money.ts'
import type { Candidate, Listing } from '../routing/candidate.ts'
import type { BatchConstraints, BatchProblem } from './batch-problem.ts'

/** A batch as the planner sees it, and whom its columns stand for. */
export interface BatchMatrix {
  problem: BatchProblem
  /** Column to listing. */
  listings: Listing[]
  /** A listing's column; −1 for one that has none. */
  column: (listing: Listing) => number
}

/** Listings looked at for a batch: those that most tasks could be given to, where there are more. */
const MAX_LISTINGS = 1_000

/**
 * Builds the planner's matrices from what the router predicts for each task.
 * @param candidates of each task; a listing that is not among them cannot do it
 */
export function batchMatrix(
  candidates: readonly (readonly Candidate[])[],
  constraints: BatchConstraints,
): BatchMatrix {
  const listings = mostUsed(candidates)
  const columns = new Map(listings.map((listing, i) => [keyOf(listing), i]))
  const taskCount = candidates.length
  const providerCount = listings.length
  const cost = new Float64Array(taskCount * providerCount).fill(Number.POSITIVE_INFINITY)
  const seconds = new Float64Array(taskCount * providerCount)
  const reliability = new Float64Array(providerCount)
  const quality = new Float64Array(providerCount)
  const waitSeconds = new Float64Array(providerCount)
  candidates.forEach((row, task) => {
    for (const candidate of row) {
      const provider = columns.get(keyOf(candidate))
      if (provider === undefined) continue
      const { prediction, model } = candidate
      const pair = task * providerCount + provider
      cost[pair] = Number(prediction.expectedCost) / Number(CREDIT)
      const waitMs = (prediction.totalMs * model.queued) / Math.max(1, model.slots)
      seconds[pair] = prediction.totalMs / 1_000
      reliability[provider] = prediction.reliability
      quality[provider] = prediction.quality
      waitSeconds[provider] = Math.max(waitSeconds[provider]!, waitMs / 1_000)
    }
  })
  const slots = Float64Array.from(listings, ({ model }) => Math.max(1, model.freeSlots))
  return {
    problem: {
      ...{ taskCount, providerCount, cost, seconds, reliability, quality, slots, waitSeconds },
      constraints,
    },
    listings,
    column: listing => columns.get(keyOf(listing)) ?? -1,
  }
}

function mostUsed(candidates: readonly (readonly Candidate[])[]): Listing[] {
  const uses = new Map<string, { listing: Listing; count: number }>()
  for (const candidate of candidates.flat()) {
    const known = uses.get(keyOf(candidate))
    if (known === undefined) uses.set(keyOf(candidate), { listing: candidate, count: 1 })
    else known.count++
  }
  return [...uses.values()]
    .toSorted((a, b) => b.count - a.count)
    .slice(0, MAX_LISTINGS)
    .map(({ listing }) => listing)
}

function keyOf({ provider, model }: Listing): string {
  return `${provider} ${model.model}`
}
