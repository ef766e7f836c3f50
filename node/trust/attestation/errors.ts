import { ShoalError } from '../../../protocol/errors.ts'

/** Why evidence is not believed. A closed set: whatever bytes come, verifying ends in one of these or in an identity. */
export type AttestationErrorCode =
  /** Longer than evidence may be; nothing was decoded. */
  | 'TOO_LARGE'
  /** Neither a Nitro document nor an SEV-SNP report. */
  | 'UNKNOWN_KIND'
  /** Not what the vendor's format says. */
  | 'MALFORMED'
  /** Its certificates end at a root that is not trusted. */
  | 'UNTRUSTED_ROOT'
  /** A certificate was not issued by the next one, or must not be used for this. */
  | 'BAD_CHAIN'
  /** The certified key did not sign it. */
  | 'BAD_SIGNATURE'
  /** A certificate, or the document, is not valid at this time. */
  | 'EXPIRED'
  /** Made for another challenge. */
  | 'WRONG_NONCE'
  /** Made for another node. */
  | 'WRONG_KEY'
  /** Made for another node or another challenge: one hash covers both. */
  | 'WRONG_BINDING'
  /** Whoever owns the machine may look inside. */
  | 'DEBUG_MODE'
  /** Its settings let others in: it may be migrated, or was not asked for by the guest's own first level. */
  | 'WEAK_POLICY'
  /** The certificate is of another chip, or of other firmware, than the report. */
  | 'WRONG_CHIP'
  /** Firmware older than the operator accepts. */
  | 'OLD_FIRMWARE'
  /** Software that is not on the operator's list. */
  | 'UNKNOWN_MEASUREMENT'

/** Evidence that proves nothing to us. */
export class AttestationError extends ShoalError<AttestationErrorCode> {
  override readonly name = 'AttestationError'
}
