import type { AttestationChallenge, AttestationKind } from '../../../protocol/attestation.ts'
import { AttestationError } from './errors.ts'
import {
  type AttestationVerifier,
  type AttestedIdentity,
  checkEvidenceSize,
  type GenuineEvidence,
} from './evidence.ts'
import { AWS_NITRO_ROOT_G1, NitroVerifier } from './nitro/nitro.ts'
import { AMD_ROOTS, SevSnpVerifier } from './sev-snp/sev-snp.ts'
import type { AttestedSoftware } from './software-list.ts'

/** Verifies evidence of any kind that is known. */
export class AttestationVerifiers {
  readonly #verifiers: Readonly<Record<AttestationKind, AttestationVerifier>>

  constructor(list: AttestedSoftware, modules: { clock: { nowMs(): number } }) {
    const nitro = { ...list.nitro, roots: [AWS_NITRO_ROOT_G1, ...list.nitro.roots] }
    const sevSnp = { ...list.sevSnp, roots: [...Object.values(AMD_ROOTS), ...list.sevSnp.roots] }
    this.#verifiers = {
      nitro: new NitroVerifier(nitro, modules),
      'sev-snp': new SevSnpVerifier(sevSnp, modules),
    }
  }

  /** See `AttestationVerifier`. @throws {AttestationError} and nothing else */
  examine(evidence: Uint8Array, challenge: AttestationChallenge): GenuineEvidence {
    return this.#for(evidence).examine(evidence, challenge)
  }

  /** See `AttestationVerifier`. @throws {AttestationError} and nothing else */
  verify(evidence: Uint8Array, challenge: AttestationChallenge): AttestedIdentity {
    return this.#for(evidence).verify(evidence, challenge)
  }

  #for(evidence: Uint8Array): AttestationVerifier {
    checkEvidenceSize(evidence)
    return this.#verifiers[kindOf(evidence)]
  }
}

/**
 * Tells the kinds apart by their first bytes: an array of four, with or without COSE's tag, or a small version
 * number in 32 bits.
 * @throws {AttestationError} UNKNOWN_KIND
 */
function kindOf([first = 0, second = 0, third = 0, fourth = 0]: Uint8Array): AttestationKind {
  if (first === 0x84 || (first === 0xd2 && second === 0x84)) return 'nitro'
  if (first > 0 && first < 32 && (second | third | fourth) === 0) return 'sev-snp'
  throw new AttestationError('UNKNOWN_KIND', 'this is neither a Nitro document nor an SEV-SNP report')
}
