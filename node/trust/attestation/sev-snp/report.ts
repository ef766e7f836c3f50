import { AttestationError } from '../errors.ts'

/** Bytes of an ATTESTATION_REPORT, its signature included. */
export const REPORT_BYTES = 0x4a0
/** What the signature covers. */
const SIGNED_BYTES = 0x2a0
/** Bytes of P-384's r or s, and of the little-endian field it stands in. */
const SCALAR_BYTES = 48
const SCALAR_FIELD_BYTES = 72
const ECDSA_P384_SHA384 = 1

/** Fields of the report of an SEV-SNP guest that matter here. */
export interface SnpReport {
  version: number
  policy: { allowsDebug: boolean; allowsMigration: boolean }
  /** Privilege level of who asked; 0 is the most, 2³² - 1 the host. */
  vmpl: number
  signingKey: 'vcek' | 'vlek'
  /** 64 bytes the guest chose. */
  reportData: Uint8Array
  /** SHA-384 of what the guest was started with. */
  measurement: Uint8Array
  chipId: Uint8Array
  /** TCB_VERSIONs, 8 bytes each; how they are laid out depends on the product. */
  tcb: { reported: Uint8Array; committed: Uint8Array; launch: Uint8Array }
  /** What was signed. */
  signed: Uint8Array
  /** r ‖ s, big-endian. */
  signature: Uint8Array
}

/**
 * Reads an ATTESTATION_REPORT of version 2 to 5 ("SEV Secure Nested Paging Firmware ABI Specification", AMD
 * 56860, table 23); the versions differ only in fields that are not read here.
 * @throws {AttestationError} MALFORMED
 */
export function readSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== REPORT_BYTES) throw malformed('is cut short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint32(0x00, true)
  if (version < 2 || version > 5) throw malformed('has a version that is not known')
  if (view.getUint32(0x34, true) !== ECDSA_P384_SHA384) throw malformed('is not signed by ECDSA with P-384')
  const policy = view.getBigUint64(0x08, true)
  const bit = (at: bigint) => (policy & (1n << at)) !== 0n
  if (!bit(17n)) throw malformed('has a policy that is none')
  const keyInfo = view.getUint32(0x48, true)
  const signingKey = ['vcek', 'vlek'][(keyInfo >> 2) & 0b111] as 'vcek' | 'vlek' | undefined
  if (signingKey === undefined) throw malformed('was signed by no key')
  const field = (from: number, length: number) => bytes.subarray(from, from + length)
  const scalar = (from: number) => {
    if (!isZero(field(from + SCALAR_BYTES, SCALAR_FIELD_BYTES - SCALAR_BYTES)))
      throw malformed('has a signature that is none')
    return field(from, SCALAR_BYTES).toReversed()
  }
  const afterSignature = SIGNED_BYTES + 2 * SCALAR_FIELD_BYTES
  if (!isZero(field(afterSignature, REPORT_BYTES - afterSignature)))
    throw malformed('has something after its signature')
  return {
    version,
    policy: { allowsDebug: bit(19n), allowsMigration: bit(18n) },
    vmpl: view.getUint32(0x30, true),
    signingKey,
    reportData: field(0x50, 64),
    measurement: field(0x90, 48),
    chipId: field(0x1a0, 64),
    tcb: { reported: field(0x180, 8), committed: field(0x1e0, 8), launch: field(0x1f0, 8) },
    signed: field(0, SIGNED_BYTES),
    signature: Buffer.concat([scalar(SIGNED_BYTES), scalar(SIGNED_BYTES + SCALAR_FIELD_BYTES)]),
  }
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

function malformed(what: string): AttestationError {
  return new AttestationError('MALFORMED', `the report ${what}`)
}
