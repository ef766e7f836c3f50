import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AdapterVersion } from '../../../protocol/messages/learning/adapter-version.ts'
import type { AggregateProposal } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { LossPair } from '../../../protocol/messages/learning/common.ts'
import type { RoundJoin } from '../../../protocol/messages/learning/round-join.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import type { RoundVote } from '../../../protocol/messages/learning/round-vote.ts'
import type { UpdateCommitment } from '../../../protocol/messages/learning/update-commitment.ts'
import type { UpdateReveal } from '../../../protocol/messages/learning/update-reveal.ts'
import type { UpdateScores } from '../../../protocol/messages/learning/update-scores.ts'
import type { RoundFailure, RoundPhase } from './phases.ts'
import type { RoundRecord, RoundRecordKind } from './round-record.ts'

/** A record that came, without its bytes. */
export interface Heard<T> {
  cid: CidString
  signer: NodeKey
  body: T
  atMs: number
}

/** Who joined, and what came of it. */
export interface MemberState {
  node: NodeKey
  join: Heard<RoundJoin>
  /** Whether the chain says that it has at stake what it counts with; null while it has not said. */
  isStaked: boolean | null
  commitment: Heard<UpdateCommitment> | null
  reveal: Heard<UpdateReveal> | null
  scores: Heard<UpdateScores> | null
  vote: Heard<RoundVote> | null
  version: Heard<AdapterVersion> | null
  /** What contradicts the above: kept as evidence, and for those to whom it came first. */
  other: {
    join?: Heard<RoundJoin>
    commitment?: Heard<UpdateCommitment>
    reveal?: Heard<UpdateReveal>
    scores?: Heard<UpdateScores>
    vote?: Heard<RoundVote>
  }
}

/**
 * What a member did wrong. `equivocation`: it said two different things where it may say one. `mismatch`: what it revealed is not
 * what it had committed to. `bad_proposal`: its aggregate does not follow from what it rests on.
 */
export const ROUND_FAULTS = ['equivocation', 'mismatch', 'bad_proposal'] as const
export type RoundFaultKind = (typeof ROUND_FAULTS)[number]

export interface RoundFault {
  node: NodeKey
  kind: RoundFaultKind
  /** What kind of record shows it; one fault each. */
  about: RoundRecordKind
  /** The records that show it. */
  records: CidString[]
  /** Whether its score has been lowered for it. */
  isReported: boolean
}

/** A try at the adapter. `unchecked` until this node has made the same, or something else, of what it names. */
export interface ProposalState extends Heard<AggregateProposal> {
  check: 'unchecked' | 'same' | 'different'
}

/** Of whose votes the quorum is made, and what they measured. */
export interface RoundOutcome {
  proposal: CidString
  votes: CidString[]
  loss: LossPair
  general: LossPair | null
}

/** All that a node knows of a round; a value, never changed in place. */
export interface RoundState {
  readonly round: CidString
  readonly proposer: NodeKey
  readonly manifest: RoundManifest
  readonly self: NodeKey
  /** When this node heard of it. */
  readonly heardAtMs: number
  readonly phase: RoundPhase
  /** Since when it is at this phase. */
  readonly phaseFromMs: number
  readonly failure: RoundFailure | null
  /** Since when members may aggregate, as this node sees it. */
  readonly aggregateFromMs: number | null
  /** Whether this node wants to take part. */
  readonly isWanted: boolean
  /** Whether this node's update lies ready to be committed to; `failed` when none comes. */
  readonly update: 'none' | 'ready' | 'failed'
  readonly members: ReadonlyMap<NodeKey, MemberState>
  readonly proposals: readonly ProposalState[]
  readonly faults: readonly RoundFault[]
  readonly outcome: RoundOutcome | null
  /** CID of this node's own `adapter-version` record. */
  readonly version: CidString | null
}

/** Something that happened. */
export type RoundInput =
  /** A record of anybody, our own too, that is on disk. */
  | { kind: 'record'; record: RoundRecord }
  | { kind: 'standing'; node: NodeKey; isStaked: boolean }
  | { kind: 'wanted'; isWanted: boolean }
  /** Our own update is on disk with its salt, or will not be. */
  | { kind: 'trained'; isReady: boolean }
  /** We have made the adapter of what a proposal names. */
  | { kind: 'checked'; proposal: CidString; isSame: boolean }
  | { kind: 'reported'; node: NodeKey; fault: RoundFaultKind; about: RoundRecordKind }
  | { kind: 'tick' }

/**
 * What is to be done now. Said again each time as long as it is not done, so that nothing is lost by a restart; whoever does
 * it begins each only once.
 */
export type RoundEffect =
  /** `isAgain`: it was found to have less at stake than it says, which the chain may only not have told yet. */
  | { kind: 'check-standing'; node: NodeKey; isAgain: boolean }
  | { kind: 'join' }
  | { kind: 'train' }
  | { kind: 'commit' }
  | { kind: 'reveal' }
  | { kind: 'score'; updates: CidString[] }
  | { kind: 'propose'; attempt: number; basis: ProposalBasis }
  | { kind: 'check'; proposal: CidString }
  | { kind: 'vote'; proposal: CidString }
  | { kind: 'publish' }
  /** Records that others name and we have not. */
  | { kind: 'ask'; records: CidString[] }
  | { kind: 'report'; fault: RoundFault }

/** What an aggregate is made of. */
export type ProposalBasis = Pick<AggregateProposal, 'roster' | 'scores' | 'inputs'>

export function newRound(
  facts: Pick<RoundState, 'round' | 'proposer' | 'manifest' | 'self' | 'heardAtMs' | 'isWanted'>,
): RoundState {
  return {
    ...facts,
    phase: 'announce',
    phaseFromMs: facts.heardAtMs,
    failure: null,
    aggregateFromMs: null,
    update: 'none',
    members: new Map(),
    proposals: [],
    faults: [],
    outcome: null,
    version: null,
  }
}
