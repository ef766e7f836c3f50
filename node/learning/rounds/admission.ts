import type { NodeKey } from '../../../protocol/ids.ts'
import { MAX_ROUND_MEMBERS } from '../../../protocol/messages/learning/common.ts'
import type { RoundRecord } from './round-record.ts'
import type { MemberState, RoundState } from './round-state.ts'

/** Joins remembered, those without a stake included until the chain has told. */
const MAX_JOINS = 2 * MAX_ROUND_MEMBERS
/** Tries of one member. */
const MAX_PROPOSALS_PER_MEMBER = 4

/**
 * What is to become of a record. `new`: it is kept. `contradiction`: it is kept as evidence against its signer. `known`: it is kept
 * already. `stranger`: its signer has not joined, as far as is known. `refused`: it breaks a rule of the round. `enough`: its signer has
 * said as much as one may.
 */
export type Admission = 'new' | 'contradiction' | 'known' | 'stranger' | 'refused' | 'enough'

/** Decides about a record of anybody, before it is brought to disk. */
export function admit(state: RoundState, incoming: RoundRecord): Admission {
  const { signer, cid } = incoming.record
  const member = state.members.get(signer) ?? null
  if (incoming.kind === 'manifest') return cid === state.round ? 'known' : 'refused'
  if (incoming.kind === 'join') {
    const { stake } = incoming.record.body
    if (stake < state.manifest.leastStake || stake === 0n) return 'refused'
    if (member === null) return hasRoom(state) ? 'new' : 'enough'
    return among(cid, member.join.cid, member.other.join?.cid)
  }
  if (member === null) return 'stranger'
  if (member.isStaked === false) return 'refused'
  if (incoming.kind === 'proposal') return admitProposal(state, signer, incoming.record)
  if (incoming.kind === 'version') {
    if (member.version === null) return 'new'
    return member.version.cid === cid ? 'known' : 'enough'
  }
  const first = member[incoming.kind]
  return first === null ? 'new' : among(cid, first.cid, member.other[incoming.kind]?.cid)
}

function among(cid: string, first: string, second: string | undefined): Admission {
  if (cid === first || cid === second) return 'known'
  return second === undefined ? 'contradiction' : 'enough'
}

function admitProposal(
  state: RoundState,
  signer: NodeKey,
  record: Extract<RoundRecord, { kind: 'proposal' }>['record'],
): Admission {
  const own = state.proposals.filter(proposal => proposal.signer === signer)
  if (own.some(({ cid }) => cid === record.cid)) return 'known'
  if (record.body.attempt >= state.manifest.aggregateAttempts) return 'refused'
  const same = own.filter(({ body }) => body.attempt === record.body.attempt)
  if (same.length >= 2 || own.length >= MAX_PROPOSALS_PER_MEMBER) return 'enough'
  return same.length === 0 ? 'new' : 'contradiction'
}

function hasRoom({ members }: RoundState): boolean {
  return members.size < MAX_JOINS || [...members.values()].some(isWorthless)
}

/** Whether a member may be forgotten for another: it has not the stake. */
function isWorthless({ isStaked }: MemberState): boolean {
  return isStaked === false
}

/** Which member goes when another comes; null while there is room. */
export function memberToForget({ members }: RoundState): NodeKey | null {
  if (members.size < MAX_JOINS) return null
  return [...members.values()].find(isWorthless)?.node ?? null
}
