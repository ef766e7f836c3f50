import { CapabilityIndex } from '../../../../../node/market/capability-index.ts'
import type { Outcome, Ranking } from '../../../../../node/market/routing/candidate.ts'
import type { RouterModules } from '../../../../../node/market/routing/modules.ts'
import { GreedyPolicy } from '../../../../../node/market/routing/policy.ts'
import { Router } from '../../../../../node/market/routing/router.ts'
import type { ModelOffer, Offer } from '../../../../../protocol/messages/offer.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import {
  provenToAll,
  routerModules,
  seededRandom,
  syntheticModelId,
  syntheticOffer,
  syntheticProvider,
} from '../../../../helpers/synthetic-market.ts'

/** A market with a router over it; everybody is known and does half of all tasks well, unless a test says else. */
export function market(
  modules: Partial<RouterModules> = {},
  options: { maxCandidates?: number; region?: string } = {},
) {
  const clock = new ManualClock()
  const random = seededRandom(3)
  const index = new CapabilityIndex({ clock })
  const router = new Router(
    { region: options.region ?? null, maxCandidates: options.maxCandidates ?? 16 },
    routerModules({
      index,
      clock,
      random,
      policy: new GreedyPolicy({ exploration: 0 }),
      reputation: {
        ...provenToAll,
        score: () => ({ score: 50, tasks: 100 }),
        reliability: () => 0.5,
        isWelcome: () => true,
      },
      ...modules,
    }),
  )
  const offer = (provider: number, model: Partial<ModelOffer> = {}, terms: Partial<Offer> = {}): string => {
    const known = syntheticOffer(syntheticProvider(provider), seededRandom(1), clock.nowMs())
    const models = [{ ...known.offer.models[0]!, ...EVEN, ...model }]
    const slaClasses = ['B' as const]
    index.set({
      ...known,
      offer: { ...known.offer, region: null, slaClasses, dataClass: 'SHARED', ...terms, models },
    })
    return known.provider
  }
  return { clock, random, index, router, offer }
}

export const EVEN: Partial<ModelOffer> = {
  model: syntheticModelId(0),
  contextTokens: 8_192,
  inputPerMillion: CREDIT,
  outputPerMillion: 4n * CREDIT,
  spot: null,
  tokensPerSecond: 50,
  ttftMs: 200,
  slots: 4,
  freeSlots: 4,
  queued: 0,
}

export const order = ({ candidates }: Ranking) =>
  candidates.map(({ provider }) => Number.parseInt(provider, 16))

export function outcome(ranking: Ranking, provider: string, rest: Partial<Outcome> = {}): Outcome {
  return {
    decisionId: ranking.decisionId,
    provider,
    status: 'completed',
    ttftMs: 200,
    totalMs: 2_000,
    outputTokens: 100,
    promptTokens: 200,
    paid: 1n,
    ...rest,
  }
}
