import { announcedCost } from '../../protocol/auction.ts'
import type { TaskId } from '../../protocol/ids.ts'
import { maxAmount } from '../../protocol/money.ts'
import type { AuctionEntry, Auctioneer, AuctionTask } from '../market/auction/auctioneer.ts'
import { priceIn } from '../market/auction/auctioneer.ts'
import { isNamed } from '../market/model-names.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import type { AskOptions, TaskEvent } from './ask.ts'
import { promptTokensBound } from './demand.ts'
import type { Choice } from './venue.ts'

export interface AuctionChoiceModules {
  auctioneer: Pick<Auctioneer, 'sell'>
  /** Whether two providers are different operators, by all that is known. */
  areDistinct: (a: ProviderId, b: ProviderId) => boolean
  onEvent: (event: TaskEvent) => void
  signal: AbortSignal
}

/**
 * Lets the peers among a task's choices bid for it. One model is auctioned: the one asked for, else that of the best
 * choice, so that prices alone are to be compared; for replicas always that of the best, which all of them must run.
 * Who costs nothing stays, and where fewer bid than are wanted, the best choices fill up at the prices of their offers.
 * @param choices the best first; at least one
 * @param best who is asked without an auction: one, or as many distinct operators as are to do the task alike
 * @param task.maxPrice what the task may cost at most, base units; null for no limit. Each winner's share is the same.
 * @returns as many as `best`: who costs nothing, then who won, at the prices of the awards, then the others
 */
export async function chooseByAuction(
  task: { taskId: TaskId; ask: AskOptions; maxPrice: bigint | null },
  { choices, best }: { choices: readonly Choice[]; best: readonly Choice[] },
  modules: AuctionChoiceModules,
): Promise<Choice[]> {
  const { ask, taskId, maxPrice } = task
  const { auction, slaClass, dataClass } = ask.preferences
  const free = best.filter(({ candidate }) => candidate.venue !== 'peer')
  const winners = best.length - free.length
  if (auction === null || winners === 0) return [...best]
  const { candidate, mode } = best[0]!
  const isSole = best.length === 1
  const model = isSole ? (ask.model ?? candidate.model.model) : candidate.model.model
  const isOther = (choice: Choice, chosen: readonly Choice[]) =>
    chosen.every(({ candidate: { provider } }) => modules.areDistinct(provider, choice.candidate.provider))
  const entries = choices.filter(choice => isOther(choice, free)).flatMap(choice => entryOf(choice, model))
  const terms: AuctionTask = {
    ...{ taskId, auction, model, slaClass, dataClass, kind: ask.input.kind, mode },
    promptTokens: promptTokensBound(ask.input),
    maxTokens: ask.maxTokens,
    reserve: 0n,
  }
  // Without a limit nobody is left out for the price of its offer.
  const dearest = entries
    .map(entry => announcedCost(terms, priceIn(terms.mode, entry.model)))
    .reduce(maxAmount, 0n)
  const reserve = maxPrice === null ? dearest : maxPrice / BigInt(winners)
  const results = await modules.auctioneer.sell(
    { ...terms, reserve },
    entries,
    // The one that does a task alone is paid by the next bid, whosever it is.
    { winners, areDistinct: isSole ? () => true : modules.areDistinct },
    modules.signal,
  )
  for (const { winner, price, asked, bids, tookMs } of results)
    modules.onEvent({ type: 'auction', provider: winner.offer.provider, price, asked, bids, tookMs })
  const chosen = [...free, ...results.map(({ winner, price, award }) => ({ ...winner.choice, price, award }))]
  const others = [...best, ...choices.filter(({ candidate }) => candidate.model.model === model)]
  for (const choice of others) {
    if (chosen.length === best.length) break
    if (choice.candidate.venue !== 'cloud' && isOther(choice, chosen)) chosen.push(choice)
  }
  return chosen
}

function entryOf(choice: Choice, wanted: string): (AuctionEntry & { choice: Choice })[] {
  const { offer, model } = choice.candidate
  return offer !== null && isNamed(wanted, model.model) ? [{ choice, offer, model }] : []
}
