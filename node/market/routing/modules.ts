import type { DataClass } from '../../../protocol/data-class.ts'
import type { Address, ModelId, NodeKey } from '../../../protocol/ids.ts'
import type { StrangerKind } from '../../trust/evidence.ts'
import type { ListingIndex } from '../capability.ts'
import type { Candidate, Demand, Listing, Outcome, ProviderId, Ranking } from './candidate.ts'
import type { RoutingPolicy } from './policy.ts'
import type { QualityModel } from './quality.ts'
import type { Tuning } from './strategies.ts'

/** What is known of a provider's honesty; see `node/trust/honesty.ts`. */
export interface HonestyView {
  /** Only those that are proven are ranked; strangers and suspects are tried out, those caught get nothing. */
  standing: 'proven' | 'unproven' | 'suspected' | 'caught'
  /** Whether the chain says it has something at stake; unset where nobody asked. */
  hasStake?: boolean
  /** Chance that it is honest, 0 to 1. */
  prospect: number
  /** Tasks of ours it should have at once at most. */
  tasksAtOnce: number
}

/** What the router asks of the trust room. */
export interface ReputationView {
  honesty(provider: NodeKey): HonestyView
  /** Chance that a stranger of a kind turns out to cheat, 0 to 1. */
  strangerRisk(kind: StrangerKind): number
  /** Chance that a task ends well, what it is at least; 0 to 1. */
  reliability(provider: NodeKey): number
  /** `score`: 0 to 100; `tasks`: how many of ours it has been seen with. */
  score(provider: NodeKey): { score: number; tasks: number }
  isWelcome(provider: NodeKey): boolean
}

/** A choice that was made, to be kept for replay. No prompt, no output. */
export interface Decision {
  id: string
  atMs: number
  demand: Demand
  ranking: Ranking
}

/** Takes every decision and how it went. */
export interface DecisionSink {
  decided(decision: Decision): void
  /**
   * @param candidate whose outcome it is
   * @param reward what the policy was taught, 0 to 1; null where it tells nothing
   */
  ended(decision: Decision, candidate: Candidate, outcome: Outcome, reward: number | null): void
}

/** What an outcome is worth, 0 to 1; null where it tells nothing of the candidate. */
export type Reward = (decision: Decision, candidate: Candidate, outcome: Outcome) => number | null

export interface RouterModules {
  index: ListingIndex
  /** What the chain says of a peer; null while that is not known. */
  standing: { of(wallet: Address, provider: NodeKey): { stake: bigint; bound: boolean | null } | null }
  reputation: ReputationView
  breaker: { isOpen(provider: ProviderId, model: ModelId): boolean }
  /** The most guarded class of data our own rules let go there, whatever it claims; null for none at all. */
  clearance: { ceiling(listing: Pick<Listing, 'provider' | 'offer'>): DataClass | null }
  quality: QualityModel
  policy: RoutingPolicy
  reward: Reward
  log: DecisionSink
  clock: { nowMs(): number }
  /** Uniform in [0, 1). */
  random: () => number
}

export interface RouterOptions {
  /** Where this node is, as its offers say; null where it does not say. */
  region: string | null
  /** Candidates of a ranking at most; default 12. */
  maxCandidates?: number
}

/**
 * What is done with demands. A `Router` is one, without any I/O of its own; `preview` is `rank` without a
 * trace: nothing is tried out, logged or remembered.
 */
export interface Routing {
  /** Filters the listings, ranks what is left by the demand's strategy, and has the policy set the order. */
  rank(demand: Demand): Ranking
  preview(demand: Demand, maxCandidates?: number): Ranking
  /** A candidate has been given the task; until its outcome it counts as one slot less there. */
  begin(decisionId: string, provider: ProviderId): void
  /** How it went, for all that learn from it; unknown decisions are ignored. */
  observe(outcome: Outcome): void
  /** A round trip to a peer took so long. */
  observeRoundTrip(provider: ProviderId, rttMs: number): void
  /** What others told of a provider has changed: it is asked for anew. */
  forget(provider: ProviderId): void
  /** Sets what can be set while running; takes effect with the next ranking. */
  tune(tuning: Partial<Tuning>): void
}
