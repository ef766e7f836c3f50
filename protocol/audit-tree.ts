import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import type { Bytes32 } from './ids.ts'
import { MAX_PROOF_STEPS } from './limits.ts'
import { uint256 } from './typed-data.ts'

/** What of an event stands in the anchored tree. */
export interface AuditLeaf {
  sequence: number
  /** SHA3-512 of the event record, 64 bytes. */
  eventHash: Uint8Array
  /** `auditEventClaim` of the event. */
  claim: Bytes32
}

const EVENT_HASH_BYTES = 64
/** Where the dynamic `bytes` begin: after three words. */
const BYTES_OFFSET = 96n

/**
 * The leaf of an event: keccak256(keccak256(abi.encode(uint64 sequence, bytes eventHash, bytes32 claim))), as
 * `AuditLeaves.leaf` and OpenZeppelin's `StandardMerkleTree` compute it. Hashed twice, so that no inner node passes for
 * a leaf.
 * @throws {RangeError} when the hash does not have 64 bytes or the sequence is no natural number
 */
export function auditLeafHash({ sequence, eventHash, claim }: AuditLeaf): Bytes32 {
  if (eventHash.length !== EVENT_HASH_BYTES) throw new RangeError('a SHA3-512 has 64 bytes')
  if (!Number.isSafeInteger(sequence) || sequence < 0) throw new RangeError('not a sequence')
  const encoded = concatBytes(
    uint256(BigInt(sequence)),
    uint256(BYTES_OFFSET),
    hexToBytes(claim.slice(2)),
    uint256(BigInt(EVENT_HASH_BYTES)),
    eventHash,
  )
  return `0x${bytesToHex(keccak_256(keccak_256(encoded)))}`
}

/**
 * The root that a leaf and its siblings lead to; each inner node is the keccak256 of its two children, the smaller first.
 * @throws {RangeError} when there are more siblings than a log can have
 */
export function auditRootOf(leaf: Bytes32, proof: readonly Bytes32[]): Bytes32 {
  if (proof.length > MAX_PROOF_STEPS) throw new RangeError('the proof is too long')
  let node = leaf
  for (const sibling of proof) {
    // Lower-case hex of one length orders as the bytes do.
    const [left, right] = node < sibling ? [node, sibling] : [sibling, node]
    node = `0x${bytesToHex(keccak_256(hexToBytes(left.slice(2) + right.slice(2))))}`
  }
  return node
}
