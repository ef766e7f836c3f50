import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { type ModelId, type NodeKey, parseModelId } from '../../protocol/ids.ts'
import type { ModelOffer } from '../../protocol/messages/offer.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import type { KnownOffer, OfferBook } from './offer-book.ts'
import { type Demand as MarketDemand, type Ranking as MarketRanking, UNFIT } from './routing/candidate.ts'

/** What is wanted, as far as choosing a provider goes. */
export interface Demand {
  /** A model's full id, or its name; null takes any. */
  model: string | null
  kind: 'chat' | 'completion'
  /** What the prompt can have at most. */
  promptTokensBound: number
  maxTokens: number
  /** Base units the task may cost at most; null for no limit of its own. */
  maxPrice: bigint | null
}

export interface SelectionModules {
  /** How reliable we think a provider is, 0 to 1. */
  reliability: (provider: NodeKey) => number
  /** Uniform in [0, 1). */
  random: () => number
}

/** A provider that can do it, with what we expect. */
export interface Candidate {
  provider: NodeKey
  offer: KnownOffer
  model: ModelOffer
  /** Of a typical answer, base units. */
  expectedCost: bigint
  /** Of the longest answer and prompt, base units. */
  worstCost: bigint
  expectedSeconds: number
  reliability: number
  /** Lower is better; see `rank`. */
  burden: number
}

/** Why an offer is not a candidate; a closed set. */
export type Unfit = 'other_model' | 'other_kind' | 'prompt_too_long' | 'too_expensive'

export interface Ranking {
  /** The best first. */
  candidates: Candidate[]
  unfit: Record<Unfit, number>
}

/** Answers are rarely as long as they may be. */
const TYPICAL_OUTPUT_TOKENS = 128
/** What an hour of waiting is worth, credits. */
const CREDITS_PER_HOUR = 1
/** Nobody is trusted less than this: else one failure would end a provider. */
const MIN_RELIABILITY = 0.05
/** Share of tasks that go to another than the best, so that newcomers and changes are noticed. */
const EXPLORATION = 0.05
/** What is tried out may cost so many times as much as the best: else a dear offer would live on being tried. */
const EXPLORATION_COST = 2n
/** Parameters of a model whose answers count once; four times as many count double. */
const QUALITY_UNIT = 1_000_000

/**
 * Filters and ranks offers by their burden: (expected cost + expected waiting) ÷ reliability, and ÷ quality
 * where no model is asked for, for which the square root of a model's size stands. The expected cost of
 * trying until success is cost ÷ probability of success.
 */
export function rank(demand: Demand, offers: readonly KnownOffer[], modules: SelectionModules): Ranking {
  const unfit: Ranking['unfit'] = { other_model: 0, other_kind: 0, prompt_too_long: 0, too_expensive: 0 }
  const candidates: Candidate[] = []
  for (const offer of offers) {
    for (const model of offer.offer.models) {
      const problem = unfitness(demand, model)
      if (problem !== null) unfit[problem]++
      else candidates.push(candidate(demand, offer, model, modules))
    }
  }
  candidates.sort((a, b) => a.burden - b.burden || (a.provider < b.provider ? -1 : 1))
  if (candidates.length > 1 && modules.random() < EXPLORATION) {
    explore(candidates, modules.random())
  }
  return { candidates, unfit }
}

/** Puts one of the others first, of those that cost about as much as the best. */
function explore(candidates: Candidate[], random: number): void {
  const [best, ...others] = candidates as [Candidate, ...Candidate[]]
  const affordable = others.filter(({ worstCost }) => worstCost <= best.worstCost * EXPLORATION_COST)
  const explored = affordable[Math.floor(random * affordable.length)]
  if (explored === undefined) return
  candidates.splice(candidates.indexOf(explored), 1)
  candidates.unshift(explored)
}

/** Whether a model is the one asked for: by its whole id, its name with or without quantisation, or its digest. */
export function matchesModel(wanted: string, id: ModelId): boolean {
  const parsed = parseModelId(id)
  return (
    (parsed !== null && wanted === withoutQuantization(parsed.name)) ||
    wanted === id ||
    wanted === parsed?.name ||
    wanted === parsed?.sha256 ||
    wanted === `sha256:${parsed?.sha256}`
  )
}

function unfitness(demand: Demand, model: ModelOffer): Unfit | null {
  if (demand.model !== null && !matchesModel(demand.model, model.model)) return 'other_model'
  if (!model.kinds.includes(demand.kind)) return 'other_kind'
  // A token has at least one byte mostly; only prompts that cannot fit by any count are left out.
  if (demand.promptTokensBound / 8 > model.contextTokens) return 'prompt_too_long'
  // The bound on the prompt is far above what it will have: the cap is held when the real count is known.
  if (demand.maxPrice !== null && costRoundedUp(model, { inputTokens: 0, outputTokens: 1 }) > demand.maxPrice)
    return 'too_expensive'
  if (demand.maxPrice !== null && typicalCost(demand, model) > demand.maxPrice) return 'too_expensive'
  return null
}

function candidate(
  demand: Demand,
  offer: KnownOffer,
  model: ModelOffer,
  modules: SelectionModules,
): Candidate {
  const reliability = Math.max(MIN_RELIABILITY, modules.reliability(offer.provider))
  const expectedCost = typicalCost(demand, model)
  const outputTokens = Math.min(demand.maxTokens, TYPICAL_OUTPUT_TOKENS)
  const isFull = model.freeSlots === 0
  const expectedSeconds = (outputTokens / Math.max(1, model.tokensPerSecond)) * (isFull ? 4 : 1)
  const credits = Number(expectedCost) / 1e18 + (expectedSeconds / 3_600) * CREDITS_PER_HOUR
  const quality = demand.model === null ? Math.sqrt(Math.max(1, model.parameterCount) / QUALITY_UNIT) : 1
  return {
    provider: offer.provider,
    offer,
    model,
    expectedCost,
    worstCost: costRoundedUp(model, {
      inputTokens: demand.promptTokensBound,
      outputTokens: demand.maxTokens,
    }),
    expectedSeconds,
    reliability,
    burden: credits / reliability / quality,
  }
}

function typicalCost(demand: Demand, model: ModelOffer): bigint {
  return costRoundedUp(model, {
    inputTokens: Math.ceil(demand.promptTokensBound / 4),
    outputTokens: Math.min(demand.maxTokens, TYPICAL_OUTPUT_TOKENS),
  })
}

/** Ranks as the market's router is asked to, from the book and without learning. */
export function selectionRouter(modules: {
  book: OfferBook
  isWelcome: (provider: NodeKey) => boolean
  reliability: (provider: NodeKey) => number
  random: () => number
}): { rank: (demand: MarketDemand) => MarketRanking; observe: () => void } {
  let decisions = 0
  return {
    observe: () => {},
    rank: demand => {
      const offers = modules.book
        .list()
        .filter(({ provider }) => !demand.excluded.has(provider) && modules.isWelcome(provider))
      const kind = demand.kind === 'embedding' ? 'completion' : demand.kind
      const { candidates, unfit } = rank({ ...demand, kind }, offers, modules)
      return {
        decisionId: String(decisions++),
        candidates: candidates.map(({ provider, offer, model, burden, ...expected }) => ({
          provider,
          offer,
          model,
          venue: 'peer',
          terms: null,
          prediction: {
            expectedCost: expected.expectedCost,
            worstCost: expected.worstCost,
            ttftMs: model.ttftMs,
            totalMs: expected.expectedSeconds * 1_000,
            ttftP95Ms: Math.max(1_000, 3 * model.ttftMs),
            waitMs: 0,
            tokensPerSecond: model.tokensPerSecond,
            reliability: expected.reliability,
            quality: 0,
            warmShare: 0,
          },
          score: 1 / (1 + burden),
          features: new Float64Array(),
          probability: 0,
        })),
        scale: {
          strategy: demand.preferences.strategy,
          weights: { cost: 1, time: 1, quality: 1, privacy: 0, nearness: 0 },
          ...{ cost: 0, timeMs: 0, reliabilityExponent: 1 },
        },
        policyVersion: null,
        explored: false,
        unfit: { ...(Object.fromEntries(UNFIT.map(name => [name, 0])) as MarketRanking['unfit']), ...unfit },
      }
    },
  }
}
