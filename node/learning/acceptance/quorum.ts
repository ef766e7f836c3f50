import type { NodeKey } from '../../../protocol/ids.ts'
import type { BlobDigest } from '../../../protocol/messages/learning/blob-ref.ts'
import { MICRO_NATS, type RoundVote } from '../../../protocol/messages/learning/round-vote.ts'
import { stakeMedian } from './stake-median.ts'

/** Two thirds: with fewer than one third of liars any two quorums share an honest voter, who votes once. */
const QUORUM_NUMERATOR = 2n
const QUORUM_DENOMINATOR = 3n

/** A vote with who signed it. */
export interface CastVote {
  voter: NodeKey
  vote: RoundVote
}

export interface QuorumOptions {
  /** How far a measured loss may lie from the median to be the same measurement, as a share of the median. */
  lossTolerance: number
  /** The same in nats, for losses near nothing. The larger of the two counts. */
  lossToleranceNats: number
  /** By how much the loss on general data may rise, as a share of what it was. */
  generalTolerance: number
}

/**
 * Voters run the same rows through different processors and kernels. Their mean losses differ by some 1e-3 nats; see
 * `GENERAL_TOLERANCE` of the judge for what general data may lose.
 */
export const DEFAULT_QUORUM: QuorumOptions = {
  lossTolerance: 0.02,
  lossToleranceNats: 0.01,
  generalTolerance: 0.02,
}

/** What the voters say together, micro-nats per token: medians by stake. */
export interface MeasuredLosses {
  lossBefore: number
  lossAfter: number
  generalBefore: number
  generalAfter: number
}

/** `refused`: too much stake is against it, or for something else. The others: what the voters measured forbids it. */
export type RejectionReason = 'refused' | 'no_gain' | 'general_regression'

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

/**
 * Whether an adapter has its quorum: two thirds of the participating stake voted for the same bytes and measured a loss
 * near the stake-weighted median of all who measured those bytes; the medians show a gain; and general data has not
 * lost more than is tolerated. Depends on nothing but its arguments, and not on the order of the votes.
 *
 * Whoever votes for two things has no vote, yet its stake still counts as taking part.
 * @param stakes of all who take part; votes of others do not count
 */
export function tallyVotes(
  votes: readonly CastVote[],
  stakes: ReadonlyMap<NodeKey, bigint>,
  options: QuorumOptions = DEFAULT_QUORUM,
): Quorum {
  const participating = sum([...stakes.values()].filter(stake => stake > 0n))
  const counted = singleVotes(votes).filter(({ voter }) => (stakes.get(voter) ?? 0n) > 0n)
  const stakeOf = (cast: readonly CastVote[]) => sum(cast.map(({ voter }) => stakes.get(voter)!))
  const candidates = [...new Set(counted.map(({ vote }) => vote.adapter))].sort().map(adapter => {
    const measured = counted.filter(({ vote }) => vote.adapter === adapter)
    const losses = medianLosses(measured, stakes)
    const accepting = measured.filter(({ vote }) => vote.accept)
    const agreeing = accepting.filter(({ vote }) => isNear(vote, losses, options))
    return { adapter, losses, agreeing, stakeFor: stakeOf(agreeing), accepting: stakeOf(accepting) }
  })
  const best = candidates.reduce<(typeof candidates)[number] | null>(
    (most, next) => (most === null || next.stakeFor > most.stakeFor ? next : most),
    null,
  )
  const silent = participating - stakeOf(counted) - stakeOfEquivocators(votes, stakes)
  const tally = { participating, stakeFor: best?.stakeFor ?? 0n }
  if (best === null || !isQuorum(best.stakeFor, participating)) {
    const adapter = best?.adapter ?? null
    // Votes to come may move the median, so that whoever accepts may yet be near it.
    const most = candidates.reduce((stake, { accepting }) => (accepting > stake ? accepting : stake), 0n)
    const isLost = !isQuorum(most + silent, participating)
    return isLost
      ? { ...tally, state: 'rejected', adapter, reason: 'refused' }
      : { ...tally, state: 'open', adapter }
  }
  const { adapter, losses, agreeing } = best
  const reason = forbids(losses, options)
  if (reason !== null) return { ...tally, state: 'rejected', adapter, reason }
  return { ...tally, state: 'accepted', adapter, losses, voters: agreeing.map(({ voter }) => voter).sort() }
}

/** Whether so much stake is two thirds of all that takes part. */
export function isQuorum(stake: bigint, participating: bigint): boolean {
  return participating > 0n && stake * QUORUM_DENOMINATOR >= participating * QUORUM_NUMERATOR
}

/** Each voter's vote, of those who cast only one. */
function singleVotes(votes: readonly CastVote[]): CastVote[] {
  const byVoter = new Map<NodeKey, CastVote[]>()
  for (const cast of votes) byVoter.set(cast.voter, [...(byVoter.get(cast.voter) ?? []), cast])
  return [...byVoter.values()]
    .filter(all => all.every(({ vote }) => isSameVote(vote, all[0]!.vote)))
    .map(([first]) => first!)
}

function stakeOfEquivocators(votes: readonly CastVote[], stakes: ReadonlyMap<NodeKey, bigint>): bigint {
  const single = new Set(singleVotes(votes).map(({ voter }) => voter))
  const voters = new Set(votes.map(({ voter }) => voter))
  return sum([...voters].filter(voter => !single.has(voter)).map(voter => positive(stakes.get(voter))))
}

function isSameVote(a: RoundVote, b: RoundVote): boolean {
  return (
    a.adapter === b.adapter &&
    a.accept === b.accept &&
    a.lossBefore === b.lossBefore &&
    a.lossAfter === b.lossAfter &&
    a.generalBefore === b.generalBefore &&
    a.generalAfter === b.generalAfter
  )
}

function medianLosses(
  measured: readonly CastVote[],
  stakes: ReadonlyMap<NodeKey, bigint>,
): MeasuredLosses {
  // Who could not measure the bytes says nothing about their loss.
  const able = measured.filter(({ vote }) => vote.reason !== 'invalid' && vote.reason !== 'mismatch')
  const median = (part: keyof MeasuredLosses) =>
    stakeMedian(able.map(({ voter, vote }) => ({ value: vote[part], stake: stakes.get(voter)! }))) ?? 0
  return {
    lossBefore: median('lossBefore'),
    lossAfter: median('lossAfter'),
    generalBefore: median('generalBefore'),
    generalAfter: median('generalAfter'),
  }
}

/** Members may have general sets of their own, so that only the loss on what was revealed is compared. */
function isNear(vote: RoundVote, median: MeasuredLosses, options: QuorumOptions): boolean {
  return (['lossBefore', 'lossAfter'] as const).every(
    part => Math.abs(vote[part] - median[part]) <= lossTolerance(median[part], options),
  )
}

/** Micro-nats. */
export function lossTolerance(median: number, options: QuorumOptions): number {
  return Math.max(options.lossToleranceNats * MICRO_NATS, options.lossTolerance * median)
}

function forbids(losses: MeasuredLosses, options: QuorumOptions): RejectionReason | null {
  if (losses.lossAfter >= losses.lossBefore) return 'no_gain'
  const most = losses.generalBefore + generalAllowance(losses.generalBefore, options)
  return losses.generalAfter > most ? 'general_regression' : null
}

/** Micro-nats by which the loss on general data may rise. */
export function generalAllowance(generalBefore: number, options: QuorumOptions): number {
  return Math.max(options.lossToleranceNats * MICRO_NATS, options.generalTolerance * generalBefore)
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}

function positive(stake: bigint | undefined): bigint {
  return stake !== undefined && stake > 0n ? stake : 0n
}
