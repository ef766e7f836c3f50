import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Bytes32, NodeKey } from './ids.ts'

/** Hardware that can say what runs on it: an AWS Nitro Enclave, an AMD SEV-SNP guest. */
export const ATTESTATION_KINDS = ['nitro', 'sev-snp'] as const
export type AttestationKind = (typeof ATTESTATION_KINDS)[number]

/** What evidence must have been made for: an answer to this challenge, by whoever holds this node key. */
export interface AttestationChallenge {
  nodeKey: NodeKey
  nonce: Bytes32
}

/**
 * The `nonce` of a Nitro document, 32 bytes: sha256("shoal/1/attestation-nonce" ‖ 0x00 ‖ nonce). Hashed, so
 * that a challenge of another protocol cannot be passed on to a node and its answer passed back.
 */
export function attestationNonce({ nonce }: Pick<AttestationChallenge, 'nonce'>): Uint8Array {
  return sha256(concatBytes(utf8ToBytes('shoal/1/attestation-nonce\0'), hexToBytes(nonce.slice(2))))
}

/**
 * What an enclave puts into its evidence, 64 bytes: sha512("shoal/1/attestation" ‖ 0x00 ‖ node key ‖ nonce). It is
 * the `user_data` of a Nitro document and the REPORT_DATA of an SEV-SNP report.
 */
export function attestationData({ nodeKey, nonce }: AttestationChallenge): Uint8Array {
  const label = utf8ToBytes('shoal/1/attestation\0')
  return sha512(concatBytes(label, hexToBytes(nodeKey), hexToBytes(nonce.slice(2))))
}
