import type { Bytes32, CidString, NodeKey } from '../../../protocol/ids.ts'
import {
  type AggregateProposal,
  rosterDigest,
} from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { UpdateReveal } from '../../../protocol/messages/learning/update-reveal.ts'
import type { UpdateScores } from '../../../protocol/messages/learning/update-scores.ts'
import { isQuorum } from '../acceptance/quorum.ts'
import { aggregateInputs, type StakedScores } from './aggregate-inputs.ts'
import { aggregators, roster, type Seat, seatsOf, stakeOf } from './roster.ts'
import type { Heard, ProposalBasis, ProposalState, RoundState } from './round-state.ts'

/**
 * What a proposal is worth, its bytes aside. `sound`: it follows from what it rests on. `unsound`: it does not, which is its signer's
 * fault. `unacceptable`: it leaves somebody out who takes part as far as this node knows, or counts somebody who does not.
 * `open`: the chain, or records that are missing here, must tell first.
 */
export type Soundness =
  | { is: 'sound'; seats: Seat[] }
  | { is: 'unsound' }
  | { is: 'unacceptable' }
  | { is: 'open'; missing: CidString[] }

/** Examines what a proposal rests on. */
export function examine(state: RoundState, { body, signer }: ProposalState): Soundness {
  const known = seatsOf(state, body.roster)
  const missing = body.roster.filter((_, index) => known[index] === null)
  if (missing.length > 0) return { is: 'open', missing }
  const seats = known as Seat[]
  const nodes = seats.map(({ node }) => node)
  if (new Set(nodes).size < nodes.length || nodes.length > state.manifest.maximumMembers)
    return { is: 'unsound' }
  if (turnOfProposal(state, body, nodes) !== signer) return { is: 'unsound' }
  const standings = nodes.map(node => state.members.get(node)!.isStaked)
  if (standings.includes(false)) return { is: 'unacceptable' }
  if (standings.includes(null)) return { is: 'open', missing: [] }
  const named = new Set(body.roster)
  if (roster(state).some(({ join }) => !named.has(join))) return { is: 'unacceptable' }

  const reports = body.scores.map(cid => scoresOf(state, cid))
  const unknown = body.scores.filter((_, index) => reports[index] === null)
  if (unknown.length > 0) return { is: 'open', missing: unknown }
  const staked = withStakes(reports as Heard<UpdateScores>[], seats)
  if (staked === null || !isQuorum(sum(staked), stakeOf(seats))) return { is: 'unsound' }
  const derived = aggregateInputs(staked, update => authorOf(state, update))
  if ('missing' in derived) return { is: 'open', missing: derived.missing }
  const isSame =
    derived.inputs.length === body.inputs.length &&
    derived.inputs.every(({ update, weight }, index) => {
      const input = body.inputs[index]!
      return update === input.update && weight === input.weight
    })
  if (!isSame || body.inputs.length < state.manifest.minimumUpdates) return { is: 'unsound' }
  return { is: 'sound', seats }
}

/** What this node would aggregate now; null while there is too little for it. */
export function ownBasis(state: RoundState): ProposalBasis | null {
  const { seats, reports, staked } = reported(state)
  if (staked === null || !isQuorum(sum(staked), stakeOf(seats))) return null
  const derived = aggregateInputs(staked, update => authorOf(state, update))
  if ('missing' in derived || derived.inputs.length < state.manifest.minimumUpdates) return null
  return {
    roster: seats.map(({ join }) => join).sort(),
    scores: reports.map(({ cid }) => cid).sort(),
    inputs: derived.inputs,
  }
}

/** Whether everybody has scored, and found too few updates good: there is nothing to wait for any more. */
export function isHopeless(state: RoundState): boolean {
  const { seats, reports, staked } = reported(state)
  if (staked === null || seats.length === 0 || reports.length < seats.length) return false
  const derived = aggregateInputs(staked, update => authorOf(state, update))
  return !('missing' in derived) && derived.inputs.length < state.manifest.minimumUpdates
}

/** Who takes part, and the score reports of those who gave one and no second. */
function reported(state: RoundState) {
  const seats = roster(state)
  const reports = seats.flatMap(({ node }) => {
    const { scores, other } = state.members.get(node)!
    return scores === null || other.scores !== undefined ? [] : [scores]
  })
  return { seats, reports, staked: withStakes(reports, seats) }
}

export function turnOf(state: RoundState, attempt: number, nodes: readonly NodeKey[]): NodeKey | null {
  const order = aggregators(state.round, nodes)
  return order[attempt % order.length] ?? null
}

/** A reveal by its CID, with who signed it. */
export function revealOf(state: RoundState, update: CidString): Heard<UpdateReveal> | null {
  for (const { reveal, other } of state.members.values()) {
    if (reveal?.cid === update) return reveal
    if (other.reveal?.cid === update) return other.reveal
  }
  return null
}

/** Proposals of the same adapter reckoned of the same roster are one. */
export function proposalKey({ body }: Pick<ProposalState, 'body'>): string {
  return `${body.adapter.digest}|${digestOfRoster(body.roster)}`
}

/** `rosterDigest`, reckoned once: a machine asks for it at each step. */
export function digestOfRoster(roster: readonly CidString[]): Bytes32 {
  const known = digests.get(roster)
  if (known !== undefined) return known
  const digest = rosterDigest(roster)
  digests.set(roster, digest)
  return digest
}

const digests = new WeakMap<readonly CidString[], Bytes32>()
/** Whose turn a proposal was: a join's CID says who joined, so that it never changes. */
const turnsOf = new WeakMap<AggregateProposal, NodeKey | null>()

function turnOfProposal(
  state: RoundState,
  body: AggregateProposal,
  nodes: readonly NodeKey[],
): NodeKey | null {
  const known = turnsOf.get(body)
  if (known !== undefined) return known
  const turn = turnOf(state, body.attempt, nodes)
  turnsOf.set(body, turn)
  return turn
}

function authorOf(state: RoundState, update: CidString): NodeKey | null {
  return revealOf(state, update)?.signer ?? null
}

function scoresOf(state: RoundState, cid: CidString): Heard<UpdateScores> | null {
  for (const { scores, other } of state.members.values()) {
    if (scores?.cid === cid) return scores
    if (other.scores?.cid === cid) return other.scores
  }
  return null
}

/** Null where a report is not of one of the seats, or one has two. */
function withStakes(reports: readonly Heard<UpdateScores>[], seats: readonly Seat[]): StakedScores[] | null {
  const stakes = new Map(seats.map(({ node, stake }) => [node, stake]))
  if (new Set(reports.map(({ signer }) => signer)).size < reports.length) return null
  if (reports.some(({ signer }) => !stakes.has(signer))) return null
  return reports.map(({ signer, body }) => ({ scorer: signer, stake: stakes.get(signer)!, scores: body }))
}

function sum(staked: readonly StakedScores[]): bigint {
  return staked.reduce((total, { stake }) => total + stake, 0n)
}
