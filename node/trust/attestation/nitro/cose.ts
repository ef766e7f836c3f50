import { verify } from 'node:crypto'
import { decode, encode } from 'cborg'
import { sameBytes } from '../../../../protocol/codec.ts'
import type { Certificate } from '../certificate.ts'
import { AttestationError } from '../errors.ts'

/** CBOR of `{1: -35}`: the algorithm is ES384 (RFC 9053, 2.1), and there is nothing else to heed. */
const ES384_HEADER = Uint8Array.of(0xa1, 0x01, 0x38, 0x22)
/** Tag of COSE_Sign1 (RFC 9052, 4.2); Nitro leaves it out. */
const COSE_SIGN1_TAG = 18
/** r and s of P-384. */
const SIGNATURE_BYTES = 96

/** A message with one signature (RFC 9052, 4.2), read and not yet verified. */
export interface CoseSign1 {
  payload: Uint8Array
  signature: Uint8Array
}

/**
 * Decodes CBOR that leaves no choice of encoding: shortest heads, definite lengths, no map key twice, nothing
 * after it. Maps are Maps.
 * @throws {AttestationError} MALFORMED
 */
export function decodeStrictCbor(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      tags: { [COSE_SIGN1_TAG]: content => content() },
    })
  } catch (cause) {
    // Also a stack that is used up, by bytes that nest too deeply.
    throw new AttestationError('MALFORMED', 'the document is not strict CBOR', { cause })
  }
}

/**
 * Reads a COSE_Sign1 that is signed with ES384 and has nothing in its unprotected header.
 * @throws {AttestationError} MALFORMED
 */
export function readCoseSign1(bytes: Uint8Array): CoseSign1 {
  const parts = decodeStrictCbor(bytes)
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed('has not the four parts of a COSE_Sign1')
  const [header, unprotected, payload, signature] = parts as unknown[]
  if (!(header instanceof Uint8Array && sameBytes(header, ES384_HEADER)))
    throw malformed('is not signed with ES384')
  if (!(unprotected instanceof Map && unprotected.size === 0)) throw malformed('has an unprotected header')
  if (!(payload instanceof Uint8Array)) throw malformed('has no payload')
  if (!(signature instanceof Uint8Array && signature.length === SIGNATURE_BYTES))
    throw malformed('has no signature of P-384')
  return { payload, signature }
}

/** Whether the certified key, which must be of P-384, signed it (RFC 9052, 4.4). */
export function isSignedBy(message: CoseSign1, certificate: Certificate): boolean {
  if (!certificate.isP384) return false
  const signed = encode(['Signature1', ES384_HEADER, new Uint8Array(), message.payload])
  try {
    return verify(
      'sha384',
      signed,
      { key: certificate.x509.publicKey, dsaEncoding: 'ieee-p1363' },
      message.signature,
    )
  } catch {
    return false
  }
}

function malformed(what: string): AttestationError {
  return new AttestationError('MALFORMED', `the document ${what}`)
}
