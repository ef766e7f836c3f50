import type { NodeKey } from '../../protocol/ids.ts'
import type { AttestedIdentity, GenuineEvidence } from '../trust/attestation/evidence.ts'
import type { NodeAttestation } from '../trust/attestation/node-attestation.ts'

/** Evidence, as people and scripts read it. */
export interface EvidenceView {
  hardware: GenuineEvidence['kind']
  /** What the operator calls the software; null where it was not compared with a list. */
  software: string | null
  /** Hex, by name. */
  measurements: Readonly<Record<string, string>>
  platform: Readonly<Record<string, string>>
  validUntil: string
  shows: readonly string[]
  doesNotShow: readonly string[]
}

/** What a peer has proven of where it runs, or why not. */
export interface AttestationView {
  /** Null where nothing counts now. */
  proven: (EvidenceView & { since: string }) | null
  /** Why the last question led to nothing; null where it did not. */
  refusal: { code: string; message: string; at: string } | null
}

export function evidenceView(evidence: GenuineEvidence | AttestedIdentity): EvidenceView {
  const { kind, measurements, platform, validUntilMs, shows, doesNotShow } = evidence
  return {
    hardware: kind,
    software: 'software' in evidence ? evidence.software : null,
    measurements,
    platform,
    validUntil: new Date(validUntilMs).toISOString(),
    shows,
    doesNotShow,
  }
}

/** Null for a peer that was never asked: its offers do not say that it could, or no software is listed. */
export function attestationView(attestation: NodeAttestation, peer: NodeKey): AttestationView | null {
  const report = attestation.reportOn(peer)
  if (report === null) return null
  const { identity, attestedAtMs, refusal } = report
  return {
    proven:
      identity === null ? null : { ...evidenceView(identity), since: new Date(attestedAtMs).toISOString() },
    refusal:
      refusal === null
        ? null
        : { code: refusal.code, message: refusal.message, at: new Date(refusal.atMs).toISOString() },
  }
}
