import { bytesToHex } from '@noble/hashes/utils.js'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Bytes32 } from '../../protocol/ids.ts'
import {
  AUDIT_LEAF_TYPES,
  auditEventClaim,
  auditEventHash,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { openRecord } from '../../protocol/signed.ts'

/** What of an event goes into the tree. */
export interface AuditEntry {
  /** SHA3-512 of the event record. */
  hash: Uint8Array
  /** What contracts can read of it; zero where there is nothing. */
  claim: Bytes32
}

/** Proof that an event is in an anchored range; what `AuditAnchor.verify` takes. */
export interface InclusionProof {
  /** Which of the node's anchors. */
  index: number
  root: string
  firstSequence: number
  lastSequence: number
  /** When the chain has it anchored, in seconds since the Unix epoch; null when the chain was not asked. */
  anchoredAt: number | null
  sequence: number
  /** SHA3-512 of the event record, `0x…`, 64 bytes. */
  eventHash: string
  claim: Bytes32
  proof: string[]
}

type Leaf = [sequence: bigint, eventHash: string, claim: string]

/** An event record of our own log, which was checked when it was written or verified. */
export function auditEntry(record: Uint8Array): AuditEntry {
  const { event } = openRecord(auditEventMessage, record, () => true).body
  return { hash: auditEventHash(record), claim: auditEventClaim(event) }
}

/**
 * Merkle tree over consecutive events in their order, the first of sequence `firstSequence`: leaf =
 * keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash, bytes32 claim))), OpenZeppelin's standard tree.
 */
export function auditTree(firstSequence: number, entries: readonly AuditEntry[]): StandardMerkleTree<Leaf> {
  const leaves = entries.map(
    ({ hash, claim }, i): Leaf => [BigInt(firstSequence + i), `0x${bytesToHex(hash)}`, claim],
  )
  return StandardMerkleTree.of(leaves, [...AUDIT_LEAF_TYPES], { sortLeaves: false })
}

/** The proof of one event of a tree made by `auditTree`. @throws {RangeError} when it is not in the range */
export function proveInclusion(
  at: { index: number; firstSequence: number; anchoredAt: number | null; sequence: number },
  entries: readonly AuditEntry[],
): InclusionProof {
  const position = at.sequence - at.firstSequence
  const entry = entries[position]
  if (entry === undefined) throw new RangeError('the event is not in this range')
  const tree = auditTree(at.firstSequence, entries)
  return {
    ...at,
    root: tree.root,
    lastSequence: at.firstSequence + entries.length - 1,
    eventHash: `0x${bytesToHex(entry.hash)}`,
    claim: entry.claim,
    proof: tree.getProof(position),
  }
}

/** Checks a proof against its own root, without any chain. */
export function verifyInclusion(proof: InclusionProof): boolean {
  if (proof.sequence < proof.firstSequence || proof.sequence > proof.lastSequence) return false
  try {
    const leaf: Leaf = [BigInt(proof.sequence), proof.eventHash, proof.claim]
    return StandardMerkleTree.verify(proof.root, [...AUDIT_LEAF_TYPES], leaf, proof.proof)
  } catch {
    return false
  }
}
