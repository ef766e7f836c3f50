import type { DataClass } from '../../../protocol/data-class.ts'
import type { ModelId, NodeKey, TaskId } from '../../../protocol/ids.ts'
import type { ModelOffer, TaskKind } from '../../../protocol/messages/offer.ts'
import type { SlaClass } from '../../../protocol/sla-class.ts'
import type { KnownOffer } from '../offer-book.ts'
import type { Preferences } from '../preferences.ts'
import type { Scale } from './strategies.ts'

/** Who can do a task: a peer by its node key, this node's own engine, or a configured cloud service by its name. */
export type ProviderId = NodeKey | 'local' | `cloud:${string}`

/** What is wanted, as far as choosing goes. */
export interface Demand {
  /** Under which its decisions are found again. */
  taskId?: TaskId
  /** A model's full id, or its name; null takes any. */
  model: string | null
  kind: TaskKind
  /** What the prompt can have at most, and what it will have by our estimate. */
  promptTokensBound: number
  promptTokensExpected: number
  /** What a context must take at once, at most; the whole prompt where it is left out. */
  contextTokensBound?: number
  maxTokens: number
  /** Base units the task may cost at most; null for no limit of its own. */
  maxPrice: bigint | null
  preferences: Preferences
  /** Kind of work, such as `chat:short`: what is learned is learned for each class. */
  taskClass: string
  /** Digests of the prompt's beginnings, the longest first; see `prefix-affinity.ts`. */
  prefixes: readonly string[]
  /** Who comes first, if fit at all; unset leaves it to scores and policy. */
  preferred?: { provider: ProviderId; model: ModelId }
  /** Providers that are out, having been tried. */
  excluded: ReadonlySet<ProviderId>
}

/** A model somebody runs for us at a price: the unit of choice. */
export interface Listing {
  provider: ProviderId
  venue: 'peer' | 'local' | 'cloud'
  /** The peer's offer; null for local and cloud. */
  offer: KnownOffer | null
  model: ModelOffer
  /** What an offer would say, for this node's own engine and for cloud services. */
  terms?: VenueTerms
}

/** How this node's operator describes a venue that makes no offers. */
export interface VenueTerms {
  /** The most guarded class of data that may go there. */
  dataClass: DataClass
  slaClasses: readonly SlaClass[]
  region: string | null
  /** 0 to 1; null where the operator does not say. */
  quality: number | null
}

/** What we expect of a listing for a demand. */
export interface Prediction {
  /** Base units: of a typical answer, and of the longest prompt and answer. */
  expectedCost: bigint
  worstCost: bigint
  /** Until the first token, queue and network included, and until the last, ms. */
  ttftMs: number
  totalMs: number
  /** What the first token comes within in 95 of 100 cases; after it, somebody else is worth asking. */
  ttftP95Ms: number
  /** Of `ttftMs`, until a slot is free there. */
  waitMs: number
  tokensPerSecond: number
  /** Chance that it ends well, 0 to 1: the lower bound of reputation. */
  reliability: number
  /** 0 to 1. */
  quality: number
  /** Share of the prompt that is likely warm there, 0 to 1. */
  warmShare: number
}

/** Why a listing is no candidate; a closed set. */
export const UNFIT = [
  'other_model',
  'other_kind',
  'prompt_too_long',
  'too_expensive',
  'data_class',
  'sla_class',
  'region',
  'reputation',
  'stake',
  'quality',
  'no_spot',
  'deadline',
  'unwelcome',
  'circuit_open',
] as const
export type Unfit = (typeof UNFIT)[number]

export interface Candidate extends Listing {
  prediction: Prediction
  /** What the strategy makes of the prediction, 0 to 1; the higher the better. */
  score: number
  /** What the policy learns from; see `features.ts`. */
  features: readonly number[]
  /** Chance to be first of the list, exactly: of the one that is, and of all newcomers that may be tried; else 0. */
  probability: number
}

export const DECIDERS = ['policy', 'trial', 'wish'] as const
export type Decider = (typeof DECIDERS)[number]

export interface Ranking {
  /** Under which the outcome is reported back. */
  decisionId: string
  /** The best first; a bounded number of them. */
  candidates: Candidate[]
  /**
   * Listings by what ruled them out: all of them where fewer fit than are wanted, else those that were looked at.
   */
  unfit: Record<Unfit, number>
  /** What scores were measured by; with it a score can be taken apart, see `explanation.ts`. */
  scale: Scale
  /**
   * Who put the first one first: the policy; the draw of a newcomer to be tried out; or the demand, see
   * `Demand.preferred`. Null for a preview and where nothing fits.
   */
  decidedBy: Decider | null
  /** Of the policy that put the others in order; null where there was nothing to be ordered. */
  policyVersion: string | null
  /** Share of such tasks that are given to newcomers by a draw; the others are the policy's. 0 for a wish. */
  trialShare: number
  /** Those the policy may put first where it decides; the others cost too much to try, or are not known. */
  eligible: readonly Candidate[]
  /** Whether another than the one with the best score is first, to know more of it. */
  explored: boolean
}

/** How it went with a candidate, told to all that learn from it. */
export interface Outcome {
  decisionId: string
  provider: ProviderId
  status: 'completed' | 'failed' | 'refused' | 'stalled' | 'dishonest' | 'preempted'
  /** Null where it did not come to that. */
  ttftMs: number | null
  totalMs: number
  outputTokens: number
  promptTokens: number
  /** Base units. */
  paid: bigint
}
