import type { ModelTerms, Offer } from '../../protocol/messages/offer.ts'

/** A claim of speed that is off by this factor is told anew. */
const SPEED_FACTOR = 1.25
/** The same of the time to the first token. Below a few ms nothing is measured that matters. */
const TTFT_FACTOR = 1.5
const TTFT_FLOOR_MS = 20

/** Whether what has changed since an offer was told is worth the gossip of an update. */
export function hasNews(told: Offer, now: Offer): boolean {
  return (
    told.priceReason !== now.priceReason ||
    now.models.some((model, index) => {
      const before = told.models[index]
      return before === undefined || isNews(before, model)
    })
  )
}

/** Prices count to the last digit; load when it becomes another matter: free or not, twice the queue. */
function isNews(told: ModelTerms, now: ModelTerms): boolean {
  return (
    told.inputPerMillion !== now.inputPerMillion ||
    told.outputPerMillion !== now.outputPerMillion ||
    told.spot?.inputPerMillion !== now.spot?.inputPerMillion ||
    told.spot?.outputPerMillion !== now.spot?.outputPerMillion ||
    told.spot?.noticeMs !== now.spot?.noticeMs ||
    told.freeSlots > 0 !== now.freeSlots > 0 ||
    doublings(told.queued) !== doublings(now.queued) ||
    areApart(told.tokensPerSecond, now.tokensPerSecond, SPEED_FACTOR) ||
    areApart(Math.max(TTFT_FLOOR_MS, told.ttftMs), Math.max(TTFT_FLOOR_MS, now.ttftMs), TTFT_FACTOR)
  )
}

function doublings(count: number): number {
  return Math.ceil(Math.log2(count + 1))
}

function areApart(a: number, b: number, factor: number): boolean {
  return Math.max(a, b) > Math.min(a, b) * factor
}
