import { announcedCost } from '../../protocol/auction.ts'
import type { TaskId } from '../../protocol/ids.ts'
import { maxAmount } from '../../protocol/money.ts'
import type { AuctionEntry, Auctioneer, AuctionTask } from '../market/auction/auctioneer.ts'
import { priceIn } from '../market/auction/auctioneer.ts'
import { isNamed } from '../market/model-names.ts'
import type { AskOptions, TaskEvent } from './ask.ts'
import { promptTokensBound } from './demand.ts'
import type { Choice } from './venue.ts'

export interface AuctionChoiceModules {
  auctioneer: Pick<Auctioneer, 'run'>
  onEvent: (event: TaskEvent) => void
  signal: AbortSignal
}

/**
 * Lets the peers among a task's choices bid for it. One model is auctioned: the one asked for, else that of the best
 * choice, so that prices alone are to be compared. Where the best choice costs nothing, or nobody bids, it stays.
 * @param choices the best first; at least one
 * @param task.maxPrice what the task may cost at most, base units; null for no limit
 * @returns who won, at the price of the award; or the best choice
 */
export async function chooseByAuction(
  task: { taskId: TaskId; ask: AskOptions; maxPrice: bigint | null },
  choices: readonly Choice[],
  modules: AuctionChoiceModules,
): Promise<Choice> {
  const { ask, taskId, maxPrice } = task
  const [best] = choices as readonly [Choice, ...Choice[]]
  const { auction, slaClass, dataClass } = ask.preferences
  if (auction === null || best.candidate.venue !== 'peer') return best
  const model = ask.model ?? best.candidate.model.model
  const entries = choices.flatMap(choice => entryOf(choice, model))
  const terms: AuctionTask = {
    ...{ taskId, auction, model, slaClass, dataClass, kind: ask.input.kind, mode: best.mode },
    promptTokens: promptTokensBound(ask.input),
    maxTokens: ask.maxTokens,
    reserve: 0n,
  }
  // Without a limit nobody is left out for the price of its offer.
  const dearest = entries
    .map(entry => announcedCost(terms, priceIn(terms.mode, entry.model)))
    .reduce(maxAmount, 0n)
  const result = await modules.auctioneer.run(
    { ...terms, reserve: maxPrice ?? dearest },
    entries,
    modules.signal,
  )
  if (result === null) return best
  const { winner, price, award, asked, bids, tookMs } = result
  modules.onEvent({ type: 'auction', provider: winner.offer.provider, price, asked, bids, tookMs })
  return { ...winner.choice, price, award }
}

function entryOf(choice: Choice, wanted: string): (AuctionEntry & { choice: Choice })[] {
  const { offer, model } = choice.candidate
  return offer !== null && isNamed(wanted, model.model) ? [{ choice, offer, model }] : []
}
