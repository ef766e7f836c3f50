import type { Bytes32, NodeKey } from '../../../protocol/ids.ts'
import type { BlobDigest } from '../../../protocol/messages/learning/blob-ref.ts'
import {
  type LossPair,
  MICRO_NATS_PER_NAT,
  type MicroNats,
  PARTS_PER_MILLION,
} from '../../../protocol/messages/learning/common.ts'
import type { RoundManifest } from '../../../protocol/messages/learning/round-manifest.ts'
import type { RoundVote } from '../../../protocol/messages/learning/round-vote.ts'
import { maxAmount } from '../../../protocol/money.ts'
import { stakeMedian } from './stake-median.ts'

/** Two thirds: with fewer than one third of liars any two quorums share an honest voter, who votes once. */
const QUORUM_NUMERATOR = 2n
const QUORUM_DENOMINATOR = 3n
/** Near nothing, a share of the loss is less than what kernels differ by: 0.01 nats a token are the same. */
const LEAST_TOLERANCE: MicroNats = MICRO_NATS_PER_NAT / 100

/** A vote with who signed it. */
export interface CastVote {
  voter: NodeKey
  vote: RoundVote
}

/** Who takes part, and with how much. */
export interface Roster {
  /** `rosterDigest` of their joins. */
  digest: Bytes32
  /** Base units by node. */
  stakes: ReadonlyMap<NodeKey, bigint>
}

/** What decides, of a round's manifest. */
export type QuorumTerms = Pick<RoundManifest, 'lossTolerance' | 'regressionTolerance' | 'quorumStake'>

/** What the voters say together: medians by stake. */
export interface MeasuredLosses {
  loss: LossPair
  /** Null where nobody measured general data. */
  general: LossPair | null
}

/** `refused`: too much stake is against it, or for something else. The others: what the voters measured forbids it. */
export type RejectionReason = 'refused' | 'no_gain' | 'regression'

export type Quorum = {
  /** Stake of all who take part, base units. */
  participating: bigint
  /** Stake that is for `adapter` and measured the same. */
  stakeFor: bigint
} & (
  | { state: 'accepted'; adapter: BlobDigest; losses: MeasuredLosses; voters: NodeKey[] }
  | { state: 'rejected'; adapter: BlobDigest | null; reason: RejectionReason }
  /** More votes may still decide. */
  | { state: 'open'; adapter: BlobDigest | null }
)

interface Candidate {
  adapter: BlobDigest
  losses: MeasuredLosses
  /** Who is for it and measured the same as the others. */
  agreeing: readonly CastVote[]
  stakeFor: bigint
  /** Of all who are for it, whatever they measured. */
  accepting: bigint
}

/**
 * Whether an adapter has its quorum: two thirds of the participating stake voted for the same bytes and measured a loss
 * near the stake-weighted median of all who measured those bytes; the medians show a gain; and general data has not
 * lost more than is tolerated. Depends on nothing but its arguments, and not on the order of the votes.
 *
 * Whoever votes for two things has no vote, yet its stake still counts as taking part. Votes by others than the roster, or
 * reckoned of another roster, are for nothing.
 */
export function tallyVotes(votes: readonly CastVote[], roster: Roster, terms: QuorumTerms): Quorum {
  const stakeOf = (voter: NodeKey) => positive(roster.stakes.get(voter))
  const all = votes.filter(({ voter }) => stakeOf(voter) > 0n)
  const counted = singleVotes(all)
  const participating = sum([...roster.stakes.values()].map(positive))
  const silent = participating - sum([...new Set(all.map(({ voter }) => voter))].map(stakeOf))
  const candidates = candidatesOf(
    counted.filter(({ vote }) => vote.roster === roster.digest),
    stakeOf,
    terms,
  )
  const best = candidates.reduce<Candidate | null>(
    (most, next) => (most === null || next.stakeFor > most.stakeFor ? next : most),
    null,
  )
  const isEnough = (stake: bigint) => isQuorum(stake, participating) && stake >= terms.quorumStake
  const tally = { participating, stakeFor: best?.stakeFor ?? 0n }
  if (best === null || !isEnough(best.stakeFor)) {
    const adapter = best?.adapter ?? null
    // Votes to come may move the median, so that whoever accepts may yet be near it.
    const most = candidates.reduce((stake, { accepting }) => maxAmount(stake, accepting), 0n)
    return isEnough(most + silent)
      ? { ...tally, state: 'open', adapter }
      : { ...tally, state: 'rejected', adapter, reason: 'refused' }
  }
  const { adapter, losses, agreeing } = best
  const reason = forbids(losses, terms)
  if (reason !== null) return { ...tally, state: 'rejected', adapter, reason }
  return { ...tally, state: 'accepted', adapter, losses, voters: agreeing.map(({ voter }) => voter).sort() }
}

/** Whether so much stake is two thirds of all that takes part. */
export function isQuorum(stake: bigint, participating: bigint): boolean {
  return participating > 0n && stake * QUORUM_DENOMINATOR >= participating * QUORUM_NUMERATOR
}

/** How far a loss may lie from the median to be the same measurement. */
export function lossAllowance(
  median: MicroNats,
  { lossTolerance }: Pick<QuorumTerms, 'lossTolerance'>,
): MicroNats {
  return Math.max(LEAST_TOLERANCE, (median * lossTolerance) / PARTS_PER_MILLION)
}

/** Whether general data is foretold worse than is tolerated. */
export function isRegression(
  { before, after }: LossPair,
  { regressionTolerance }: Pick<QuorumTerms, 'regressionTolerance'>,
): boolean {
  return after > before + Math.max(LEAST_TOLERANCE, (before * regressionTolerance) / PARTS_PER_MILLION)
}

function candidatesOf(
  counted: readonly CastVote[],
  stakeOf: (voter: NodeKey) => bigint,
  terms: QuorumTerms,
): Candidate[] {
  const stake = (cast: readonly CastVote[]) => sum(cast.map(({ voter }) => stakeOf(voter)))
  const adapters = [...new Set(counted.map(({ vote }) => vote.adapter))].sort()
  return adapters.flatMap(adapter => {
    const measured = counted.filter(({ vote }) => vote.adapter === adapter)
    const losses = medianLosses(measured, stakeOf)
    if (losses === null) return []
    const accepting = measured.filter(({ vote }) => vote.accept)
    const agreeing = accepting.filter(({ vote }) => isNear(vote, losses, terms))
    return [{ adapter, losses, agreeing, stakeFor: stake(agreeing), accepting: stake(accepting) }]
  })
}

/** Each voter's vote, of those who cast only one. */
function singleVotes(votes: readonly CastVote[]): CastVote[] {
  const byVoter = new Map<NodeKey, CastVote[]>()
  for (const cast of votes) {
    const same = byVoter.get(cast.voter)
    if (same === undefined) byVoter.set(cast.voter, [cast])
    else same.push(cast)
  }
  return [...byVoter.values()]
    .filter(all => all.every(({ vote }) => isSameVote(vote, all[0]!.vote)))
    .map(([first]) => first!)
}

function isSameVote(a: RoundVote, b: RoundVote): boolean {
  return (
    a.adapter === b.adapter &&
    a.roster === b.roster &&
    a.accept === b.accept &&
    isSameLoss(a.loss, b.loss) &&
    isSameLoss(a.general, b.general)
  )
}

function isSameLoss(a: LossPair | null, b: LossPair | null): boolean {
  return a?.before === b?.before && a?.after === b?.after
}

/** Null where nobody could measure the bytes. */
function medianLosses(
  measured: readonly CastVote[],
  stakeOf: (voter: NodeKey) => bigint,
): MeasuredLosses | null {
  const medians = (of: 'loss' | 'general'): LossPair | null => {
    const median = (part: keyof LossPair) =>
      stakeMedian(
        measured.flatMap(({ voter, vote }) => {
          const pair = vote[of]
          return pair === null ? [] : [{ value: pair[part], stake: stakeOf(voter) }]
        }),
      )
    const [before, after] = [median('before'), median('after')]
    return before === null || after === null ? null : { before, after }
  }
  const loss = medians('loss')
  return loss === null ? null : { loss, general: medians('general') }
}

/** Members may have general texts of their own, so that only the loss on what was revealed is compared. */
function isNear({ loss }: RoundVote, median: MeasuredLosses, terms: QuorumTerms): boolean {
  if (loss === null) return false
  return (['before', 'after'] as const).every(
    part => Math.abs(loss[part] - median.loss[part]) <= lossAllowance(median.loss[part], terms),
  )
}

function forbids({ loss, general }: MeasuredLosses, terms: QuorumTerms): RejectionReason | null {
  if (loss.after >= loss.before) return 'no_gain'
  return general !== null && isRegression(general, terms) ? 'regression' : null
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}

function positive(stake: bigint | undefined): bigint {
  return stake !== undefined && stake > 0n ? stake : 0n
}
