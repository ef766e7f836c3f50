import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import type { ChainClient } from '../chain/client.ts'
import type { AnchoredRange, CheckAnchor } from './verify.ts'

/** What `AuditAnchor` stores of an anchor: keccak256(abi.encode(root, firstSequence, lastSequence)). */
function anchorCommitment({
  root,
  firstSequence,
  lastSequence,
}: Pick<AnchoredRange, 'root' | 'firstSequence' | 'lastSequence'>): Bytes32 {
  const word = (value: number) => hexToBytes(BigInt(value).toString(16).padStart(64, '0'))
  return `0x${bytesToHex(keccak_256(concatBytes(hexToBytes(root.slice(2)), word(firstSequence), word(lastSequence))))}`
}

/** Compares anchors with what the chain has for a wallet. */
export function chainCheck(client: ChainClient, wallet: Address): CheckAnchor {
  return async anchor => {
    if (anchor.index >= (await client.anchorCount(wallet))) return false
    return (await client.anchorAt(wallet, anchor.index)) === anchorCommitment(anchor)
  }
}
