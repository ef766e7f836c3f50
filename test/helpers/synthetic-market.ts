import type { CapabilityIndex } from '../../node/market/capability-index.ts'
import type { KnownOffer } from '../../node/market/offer-book.ts'
import { DEFAULT_PREFERENCES, type Preferences } from '../../node/market/preferences.ts'
import type { Demand } from '../../node/market/routing/candidate.ts'
import type { ReputationView, RouterModules } from '../../node/market/routing/modules.ts'
import { GreedyPolicy } from '../../node/market/routing/policy.ts'
import { SizeQuality } from '../../node/market/routing/quality.ts'
import { realisedScore } from '../../node/market/routing/reward.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import type { ModelOffer } from '../../protocol/messages/offer.ts'
import { CREDIT } from '../../protocol/money.ts'
import { sampleOffer } from './samples.ts'

const MODELS = 40
const REGIONS = ['eu-de', 'eu-fr', 'us-east', 'us-west', 'ap-jp', 'sa-br', null]

/** A seeded generator of numbers in [0, 1) (Marsaglia, Xorshift RNGs, J. Stat. Softw. 8(14), 2003). */
export function seededRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Models by how often they are run and asked for: the n-th one nth as often as the first (Zipf). */
export function zipfModel(random: () => number): number {
  const total = harmonic(MODELS)
  let left = random() * total
  for (let rank = 1; rank <= MODELS; rank++) {
    left -= 1 / rank
    if (left <= 0) return rank - 1
  }
  return MODELS - 1
}

export function syntheticModelId(index: number): string {
  const hex = index.toString(16).padStart(2, '0')
  return `model-${index}-q4_k_m@sha256:${hex.repeat(32)}`
}

/** An offer as the book would hand it out, with one to three models at prices and speeds that vary tenfold. */
export function syntheticOffer(provider: NodeKey, random: () => number, nowMs: number): KnownOffer {
  const draw = random()
  const count = draw < 0.7 ? 1 : draw < 0.9 ? 2 : 3
  const indices = new Set(Array.from({ length: count }, () => zipfModel(random)))
  const isSpot = random() < 0.3
  const models = [...indices].map((index): ModelOffer => {
    const billions = 0.5 * 1.2 ** index
    const price = BigInt(Math.round(billions * 1e4 * 10 ** (random() - 0.5))) * (CREDIT / 1_000_000n)
    return {
      ...sampleOffer.models[0]!,
      model: syntheticModelId(index),
      kinds: ['chat', 'completion'],
      contextTokens: 8_192 * 2 ** Math.floor(random() * 4),
      parameterCount: Math.round(billions * 1e9),
      inputPerMillion: price / 4n,
      outputPerMillion: price,
      spot: isSpot ? { inputPerMillion: price / 8n, outputPerMillion: price / 2n, noticeMs: 2_000 } : null,
      tokensPerSecond: Math.round(20 * 10 ** random()),
      ttftMs: Math.round(50 * 10 ** random()),
      slots: 4,
      freeSlots: Math.floor(random() * 5),
      queued: random() < 0.2 ? Math.floor(random() * 8) : 0,
    }
  })
  const offer = {
    ...sampleOffer,
    models,
    region: REGIONS[Math.floor(random() * REGIONS.length)]!,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 600_000,
    slaClasses: random() < 0.3 ? (['B', 'A', 'S'] as const).slice() : (['B'] as const).slice(),
    dataClass: random() < 0.3 ? ('CONFIDENTIAL' as const) : ('SHARED' as const),
  }
  return { provider, cid: `cid-${provider}`, offer, bytes: new Uint8Array() }
}

export function syntheticProvider(index: number): NodeKey {
  return index.toString(16).padStart(64, '0')
}

/** Puts so many offers into an index. */
export function fillIndex(
  index: CapabilityIndex,
  offers: number,
  random: () => number,
  nowMs: number,
): KnownOffer[] {
  return Array.from({ length: offers }, (_, place) => {
    const known = syntheticOffer(syntheticProvider(place), random, nowMs)
    index.set(known)
    return known
  })
}

export function demandFor(demand: Partial<Demand> = {}, preferences: Partial<Preferences> = {}): Demand {
  return {
    model: null,
    kind: 'chat',
    promptTokensBound: 800,
    promptTokensExpected: 200,
    maxTokens: 512,
    maxPrice: null,
    preferences: { ...DEFAULT_PREFERENCES, ...preferences },
    taskClass: 'chat',
    prefixes: [],
    excluded: new Set(),
    ...demand,
  }
}

/** Demands as they come: mostly for a model, some for any, with all strategies and now and then a condition. */
export function syntheticDemand(random: () => number): Demand {
  const strategies = ['balanced', 'balanced', 'cost', 'speed', 'quality', 'geo'] as const
  const promptTokensExpected = Math.round(50 * 40 ** random())
  return demandFor(
    {
      model: random() < 0.9 ? syntheticModelId(zipfModel(random)) : null,
      promptTokensExpected,
      promptTokensBound: promptTokensExpected * 5,
      maxTokens: Math.round(64 * 16 ** random()),
      maxPrice: random() < 0.3 ? CREDIT : null,
      prefixes: [
        `${Math.floor(random() * 1e4)
          .toString(36)
          .padStart(22, '0')}.800`,
      ],
    },
    {
      strategy: strategies[Math.floor(random() * strategies.length)]!,
      mode: random() < 0.1 ? 'spot' : 'on-demand',
      region: random() < 0.1 ? 'eu' : null,
      minReputation: random() < 0.2 ? 30 : 0,
      deadlineMs: random() < 0.1 ? 30_000 : null,
    },
  )
}

/** Everybody's honesty is beyond doubt. */
export const provenToAll: Pick<ReputationView, 'honesty' | 'strangerRisk'> = {
  honesty: () => ({ standing: 'proven', prospect: 0.9, tasksAtOnce: Number.POSITIVE_INFINITY }),
  strangerRisk: () => 0.3,
}

/** Opinions spread over providers by their keys, a fifth of them newcomers. */
export const syntheticReputation: ReputationView = {
  score: provider => {
    const draw = Number.parseInt(provider.slice(-4), 16) % 100
    return draw < 20 ? { score: 33, tasks: 0 } : { score: draw, tasks: draw }
  },
  reliability: provider => (Number.parseInt(provider.slice(-4), 16) % 100) / 100,
  honesty: provider => {
    const draw = Number.parseInt(provider.slice(-4), 16) % 100
    return {
      standing: draw < 4 ? 'suspected' : draw < 20 ? 'unproven' : 'proven',
      hasStake: draw % 2 === 0,
      prospect: 0.7,
      tasksAtOnce: Number.POSITIVE_INFINITY,
    }
  },
  strangerRisk: () => 0.3,
  isWelcome: () => true,
}

/** What a router needs, with nothing that rules anybody out. */
export function routerModules(
  modules: Pick<RouterModules, 'index' | 'clock' | 'random'> & Partial<RouterModules>,
): RouterModules {
  return {
    standing: { of: () => null },
    reputation: syntheticReputation,
    breaker: { isOpen: () => false },
    clearance: {
      ceiling: ({ provider, offer }) =>
        provider === 'local' ? 'PRIVATE' : (offer?.offer.dataClass ?? 'SHARED'),
    },
    quality: new SizeQuality(),
    policy: new GreedyPolicy(),
    reward: realisedScore,
    log: { decided: () => {}, ended: () => {} },
    ...modules,
  }
}

function harmonic(count: number): number {
  let sum = 0
  for (let rank = 1; rank <= count; rank++) sum += 1 / rank
  return sum
}
