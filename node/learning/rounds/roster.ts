import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { RoundState } from './round-state.ts'

/** The longest that a record may have been on its way and still counts as sent in its phase. */
const MAX_GRACE_MS = 15_000

/** How much later than a phase's end its records still count: a quarter of the phase, 15 s at most. */
export function graceMs(startMs: number, endMs: number): number {
  return Math.min(MAX_GRACE_MS, Math.max(0, (endMs - startMs) / 4))
}

/** Whether this node heard of the round too late to know who joined in time. */
export function isLatecomer({ heardAtMs, manifest }: Pick<RoundState, 'heardAtMs' | 'manifest'>): boolean {
  return heardAtMs >= manifest.deadlines.joinMs
}

/** Until when a join is in time here. */
export function joinsUntilMs({ heardAtMs, manifest }: Pick<RoundState, 'heardAtMs' | 'manifest'>): number {
  const { joinMs } = manifest.deadlines
  return joinMs + graceMs(heardAtMs, joinMs)
}

/** A member with what it counts. */
export interface Seat {
  node: NodeKey
  /** CID of its join. */
  join: CidString
  /** Base units. */
  stake: bigint
}

/**
 * Who takes part, as far as this node knows: who joined in time, once, with the stake for it; those with the most at stake where
 * they are too many. What a quorum is reckoned of must hold all of these. Two quorums of rosters that hold all honest members have
 * one of them in common, while liars have less than a third.
 */
export function roster(state: RoundState): Seat[] {
  const untilMs = isLatecomer(state) ? Number.POSITIVE_INFINITY : joinsUntilMs(state)
  return [...state.members.values()]
    .filter(
      ({ isStaked, join, other }) => isStaked === true && join.atMs < untilMs && other.join === undefined,
    )
    .map(({ node, join }) => ({ node, join: join.cid, stake: join.body.stake }))
    .sort(byStake)
    .slice(0, state.manifest.maximumMembers)
}

export function stakeOf(seats: Iterable<Seat>): bigint {
  let total = 0n
  for (const { stake } of seats) total += stake
  return total
}

/** Whose joins have these CIDs; null for one that is not known. */
export function seatsOf(state: RoundState, joins: readonly CidString[]): (Seat | null)[] {
  const seats = new Map<CidString, Seat>()
  for (const { node, join, other } of state.members.values()) {
    for (const heard of [join, other.join]) {
      if (heard !== undefined) seats.set(heard.cid, { node, join: heard.cid, stake: heard.body.stake })
    }
  }
  return joins.map(cid => seats.get(cid) ?? null)
}

/**
 * Whose turn it is to aggregate, attempt by attempt: by SHA-256 of the round's CID ‖ the member's key, so that nobody can know it
 * before the round begins and everybody can tell.
 */
export function aggregators(round: CidString, nodes: readonly NodeKey[]): NodeKey[] {
  const { bytes } = CID.parse(round)
  const rank = (node: NodeKey) => bytesToHex(sha256(concatBytes(bytes, hexToBytes(node))))
  return nodes
    .map(node => ({ node, rank: rank(node) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ node }) => node)
}

function byStake(a: Seat, b: Seat): number {
  if (a.stake !== b.stake) return a.stake > b.stake ? -1 : 1
  return a.node < b.node ? -1 : 1
}
