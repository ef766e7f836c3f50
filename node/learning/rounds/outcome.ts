import { type CastVote, type Quorum, type Roster, tallyVotes } from '../acceptance/quorum.ts'
import { digestOfRoster } from './proposal-check.ts'
import { roster, seatsOf } from './roster.ts'
import type { ProposalState, RoundOutcome, RoundState } from './round-state.ts'

/**
 * How the votes on a proposal stand. Reckoned of its roster and of everybody else who takes part as far as this node knows, so
 * that nobody wins by leaving others out. Null while not all of the roster are known to have their stake.
 */
function tally(state: RoundState, { body }: ProposalState): Quorum | null {
  const seats = seatsOf(state, body.roster)
  const stakes = new Map<string, bigint>(roster(state).map(({ node, stake }) => [node, stake]))
  for (const seat of seats) {
    if (seat === null || state.members.get(seat.node)!.isStaked !== true) return null
    stakes.set(seat.node, seat.stake)
  }
  const counted: Roster = { digest: digestOfRoster(body.roster), stakes }
  return tallyVotes(castVotes(state), counted, state.manifest)
}

/** The adapter that has its quorum; null while none has. */
export function outcomeOf(state: RoundState): RoundOutcome | null {
  if (castVotes(state).length === 0) return null
  for (const proposal of state.proposals) {
    const quorum = tally(state, proposal)
    if (quorum?.state !== 'accepted' || quorum.adapter !== proposal.body.adapter.digest) continue
    const digest = digestOfRoster(proposal.body.roster)
    const votes = quorum.voters.flatMap(voter => {
      const { vote } = state.members.get(voter)!
      return vote !== null && vote.body.roster === digest ? [vote.cid] : []
    })
    return { proposal: proposal.cid, votes: votes.sort(), ...quorum.losses }
  }
  return null
}

/** Whether no votes to come can bring any proposal its quorum. */
export function isRejected(state: RoundState): boolean {
  if (state.proposals.length === 0) return false
  return state.proposals.every(proposal => tally(state, proposal)?.state === 'rejected')
}

function castVotes(state: RoundState): CastVote[] {
  return [...state.members.values()].flatMap(({ node, vote, other }) =>
    [vote, other.vote].flatMap(heard => (heard == null ? [] : [{ voter: node, vote: heard.body }])),
  )
}
