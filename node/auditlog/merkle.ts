import { bytesToHex } from '@noble/hashes/utils.js'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { AUDIT_LEAF_TYPES } from '../../protocol/messages/audit-event.ts'

/** Proof that an event is in an anchored range; what `AuditAnchor.verify` takes. */
export interface InclusionProof {
  /** Which of the node's anchors. */
  index: number
  root: string
  firstSequence: number
  lastSequence: number
  sequence: number
  /** SHA3-512 of the event record, `0x…`, 64 bytes. */
  eventHash: string
  proof: string[]
}

type Leaf = [sequence: bigint, eventHash: string]

/**
 * Merkle tree over the hashes of consecutive events, the first of sequence `firstSequence`: leaf =
 * keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash))), OpenZeppelin's standard tree.
 */
export function auditTree(
  firstSequence: number,
  eventHashes: readonly Uint8Array[],
): StandardMerkleTree<Leaf> {
  const leaves = eventHashes.map((hash, i): Leaf => [BigInt(firstSequence + i), `0x${bytesToHex(hash)}`])
  return StandardMerkleTree.of(leaves, [...AUDIT_LEAF_TYPES], { sortLeaves: true })
}

/** The proof of one event of a tree made by `auditTree`. @throws {RangeError} when it is not in the range */
export function proveInclusion(
  at: { index: number; firstSequence: number; sequence: number },
  eventHashes: readonly Uint8Array[],
): InclusionProof {
  const position = at.sequence - at.firstSequence
  const hash = eventHashes[position]
  if (hash === undefined) throw new RangeError('the event is not in this range')
  const tree = auditTree(at.firstSequence, eventHashes)
  return {
    ...at,
    root: tree.root,
    lastSequence: at.firstSequence + eventHashes.length - 1,
    eventHash: `0x${bytesToHex(hash)}`,
    proof: tree.getProof(position),
  }
}

/** Checks a proof against its own root, without any chain. */
export function verifyInclusion(proof: InclusionProof): boolean {
  if (proof.sequence < proof.firstSequence || proof.sequence > proof.lastSequence) return false
  try {
    const leaf: Leaf = [BigInt(proof.sequence), proof.eventHash]
    return StandardMerkleTree.verify(proof.root, [...AUDIT_LEAF_TYPES], leaf, proof.proof)
  } catch {
    return false
  }
}
