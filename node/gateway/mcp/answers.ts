import type { z } from 'zod'
import type { CheckedReceiptView } from '../dispute-views.ts'
import type { LearningView } from '../learning-views.ts'
import type { MarketView, SpreadView } from '../market-views.ts'
import type { OfferView } from '../offer-views.ts'
import type { WalletView } from '../views.ts'
import type { McpBalance } from './backend.ts'
import type { learnOutput, marketOutput, verifyOutput } from './tool-schemas.ts'

/** Views of the node, cut down to what a model should read. */

export function marketAnswer(market: MarketView, offers: readonly OfferView[]): z.input<typeof marketOutput> {
  return {
    models: market.models.map(model => ({
      ...{ name: model.name, offers: model.offers },
      inputPerMillion: spread(model.input),
      outputPerMillion: spread(model.output),
      tokensPerSecond: spread(model.tokensPerSecond),
      ...{ slots: model.slots, freeSlots: model.freeSlots, queued: model.queued },
      isOwn: model.own.length > 0,
    })),
    moreModels: market.more,
    offers: offers.map(offer => ({
      ...{ provider: offer.provider, isOwn: offer.own, model: offer.model },
      ...{ inputPerMillion: offer.inputPerMillion, outputPerMillion: offer.outputPerMillion },
      ...{ tokensPerSecond: offer.tokensPerSecond, contextTokens: offer.contextTokens },
      ...{ freeSlots: offer.freeSlots, queued: offer.queued, region: offer.region },
      ...{ dataClass: offer.dataClass, reputation: offer.reputation, stake: offer.stake },
    })),
  }
}

const spread = (view: SpreadView | null) =>
  view === null ? null : { low: view.low, median: view.median, high: view.high }

export function verifyAnswer(view: CheckedReceiptView): z.input<typeof verifyOutput> {
  const { receipt, verdict, reason, provider, model, amount, endedAt, checks, tokens } = view
  return {
    ...{ receipt, verdict, reason, provider, model, amount, endedAt },
    checks: checks.map(({ check, result }) => ({ check, result })),
    tokens:
      tokens === null
        ? null
        : {
            ...{ count: tokens.count, matchRate: tokens.matchRate },
            ...{ pValue: tokens.pValue, isCalibrated: tokens.isCalibrated },
          },
  }
}

export function learnAnswer(view: LearningView): z.input<typeof learnOutput> {
  return {
    enabled: view.enabled,
    state: view.lifecycle.state,
    ownData: view.data,
    rounds: view.rounds.map(round => ({
      ...{ round: round.round, name: round.name, domain: round.domain, base: round.base },
      ...{ phase: round.phase, phaseEnds: round.phaseEnds, members: round.members },
      ...{ updates: round.updates, part: round.part, adapter: round.adapter, failure: round.failure },
    })),
    past: view.past.length,
  }
}

/** The node's own wallet, for its owner. */
export function walletBalance(view: WalletView): McpBalance {
  const { address, credits, settlementCredits, locked, unclaimed, stake, gas, spending } = view
  return {
    ...{ holder: 'owner', address, spendable: spending.remaining },
    wallet: {
      ...{ credits, settlementCredits, locked, unclaimed, stake, gas },
      limitPerDay: spending.limitPerDay,
    },
  }
}
