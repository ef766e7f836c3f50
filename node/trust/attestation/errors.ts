import { ShoalError, type ShoalErrorOptions } from '../../../protocol/errors.ts'

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

  constructor(code: AttestationErrorCode, message: string, options: ShoalErrorOptions = {}) {
    super(code, message, { fix: FIXES[code], ...options })
  }
}

const OTHER_HARDWARE = 'Use another provider; its hardware, or how it is set up, cannot be trusted.'
const WHOLE = 'Give all that the hardware or its tool printed, and nothing else.'
const SAME_CHALLENGE = 'Give the node and the nonce it was made for; evidence answers one challenge only.'

const FIXES: Record<AttestationErrorCode, string> = {
  TOO_LARGE: WHOLE,
  UNKNOWN_KIND: WHOLE,
  MALFORMED: WHOLE,
  UNTRUSTED_ROOT: 'If you trust the root, add its fingerprint to the file that privacy.attested names.',
  BAD_CHAIN: OTHER_HARDWARE,
  BAD_SIGNATURE: OTHER_HARDWARE,
  EXPIRED: 'Have new evidence made, and check the clocks of both machines.',
  WRONG_NONCE: SAME_CHALLENGE,
  WRONG_KEY: SAME_CHALLENGE,
  WRONG_BINDING: SAME_CHALLENGE,
  DEBUG_MODE: 'Run it without debug mode.',
  WEAK_POLICY: OTHER_HARDWARE,
  WRONG_CHIP: 'Get the certificate that AMD issues for this chip and the firmware it reports.',
  OLD_FIRMWARE: 'Update the firmware, or set lower versions in the file that privacy.attested names.',
  UNKNOWN_MEASUREMENT: 'If you trust the software, add it to the file that privacy.attested names.',
}
