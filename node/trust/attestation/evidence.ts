import type { AttestationChallenge, AttestationKind } from '../../../protocol/attestation.ts'
import type { Bytes32, NodeKey } from '../../../protocol/ids.ts'
import { MAX_ATTESTATION_BYTES } from '../../../protocol/limits.ts'
import { AttestationError } from './errors.ts'

/** Evidence that is genuine: made by the vendor's hardware, for this node and challenge. Not yet known is whether the software is one we want. */
export interface GenuineEvidence {
  kind: AttestationKind
  nodeKey: NodeKey
  nonce: Bytes32
  /** What runs inside, hex by name: `pcr0` … of an enclave, `measurement` of a guest. */
  measurements: Readonly<Record<string, string>>
  /** What it runs on, as its hardware says: module or product, chip, firmware. */
  platform: Readonly<Record<string, string>>
  /** Counts no longer than this. */
  validUntilMs: number
  /** What follows from it, a sentence each. */
  shows: readonly string[]
  /** What does not, though one may think so. */
  doesNotShow: readonly string[]
}

/** A node that runs in hardware we trust, software that is on the operator's list. */
export interface AttestedIdentity extends GenuineEvidence {
  /** What the operator calls the software. */
  software: string
}

/** Verifies one kind of evidence. Holds the roots and the operator's list; does no I/O. */
export interface AttestationVerifier {
  readonly kind: AttestationKind
  /**
   * Whether the evidence is genuine, and made for this node and challenge; its software may be anything.
   * @throws {AttestationError} and nothing else, whatever the bytes are
   */
  examine(evidence: Uint8Array, challenge: AttestationChallenge): GenuineEvidence
  /**
   * The same, and that the operator listed the software.
   * @throws {AttestationError} and nothing else, whatever the bytes are
   */
  verify(evidence: Uint8Array, challenge: AttestationChallenge): AttestedIdentity
}

/** Nothing is believed for longer, whatever its certificates say: what ran then need not run now. */
export const MAX_ATTESTATION_AGE_MS = 60 * 60_000

/** @throws {AttestationError} TOO_LARGE */
export function checkEvidenceSize(evidence: Uint8Array): void {
  if (evidence.length <= MAX_ATTESTATION_BYTES) return
  throw new AttestationError('TOO_LARGE', `the evidence is longer than ${MAX_ATTESTATION_BYTES} bytes`)
}
