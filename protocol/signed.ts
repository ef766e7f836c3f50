import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import {
  checkSize,
  cidOf,
  decodeCanonical,
  decodeTrusted,
  encodeCanonical,
  type MessageDefinition,
  ProtocolError,
  toWire,
  validateMessage,
} from './codec.ts'
import { type NodeSigner, type VerifyEd25519, verifyEd25519 } from './identity.ts'
import type { CidString, NodeKey } from './ids.ts'
import { inOnePiece } from './text.ts'

/** A message with its author: what is gossiped, stored as evidence, and named by its CID. */
export interface SignedRecord<T> {
  readonly type: string
  readonly body: T
  readonly signer: NodeKey
  /** The canonical DAG-CBOR of `{type, body, signer, signature}`; what goes over the wire. */
  readonly bytes: Uint8Array
  /** Identifies `bytes`. */
  readonly cid: CidString
}

/** Key (1 + 9), head (2) and value (64) of `signature`. */
const SIGNATURE_FIELD_BYTES = 76
const SIGNING_CONTEXT = 'shoal/1/'
const utf8 = new TextEncoder()

const envelopeSchema = z.strictObject({
  type: z.string().max(64),
  body: z.record(z.string(), z.unknown()),
  signer: z.instanceof(Uint8Array).refine(bytes => bytes.length === 32),
  signature: z.instanceof(Uint8Array).refine(bytes => bytes.length === 64),
})

/**
 * Signs a message with a node key.
 * @throws {ProtocolError} SCHEMA_MISMATCH or TOO_LARGE when `body` is not a valid message of this type
 */
export function createRecord<T>(
  definition: MessageDefinition<T>,
  body: T,
  signer: NodeSigner,
): SignedRecord<T> {
  const wireBody = toWire(definition, body)
  const signature = signer.sign(signingInput(definition.type, encodeCanonical(wireBody)))
  const bytes = encodeCanonical({
    type: definition.type,
    body: wireBody,
    signer: signer.publicKey,
    signature,
  })
  checkSize(definition, bytes)
  return {
    type: definition.type,
    body,
    signer: bytesToHex(signer.publicKey),
    bytes,
    cid: cidOf(bytes).toString(),
  }
}

/**
 * Opens a record from a stranger: length, canonical form, envelope, type, body, then the signature.
 * @param verify a faster verifier that gives the same answers as `verifyEd25519`
 * @throws {ProtocolError} TOO_LARGE, NOT_CBOR, NOT_CANONICAL, SCHEMA_MISMATCH, WRONG_TYPE, BAD_SIGNATURE
 */
export function openRecord<T>(
  definition: MessageDefinition<T>,
  bytes: Uint8Array,
  verify: VerifyEd25519 = verifyEd25519,
): SignedRecord<T> {
  checkSize(definition, bytes)
  const envelope = envelopeSchema.safeParse(decodeCanonical(bytes))
  if (!envelope.success) throw new ProtocolError('SCHEMA_MISMATCH', 'not a signed record')
  const { type, body: wireBody, signer, signature } = envelope.data
  if (type !== definition.type) {
    throw new ProtocolError('WRONG_TYPE', `expected a record of type ${definition.type}`, {
      details: { expected: definition.type },
    })
  }
  const body = validateMessage(definition, wireBody)
  if (!verify(signature, signingInput(type, encodeCanonical(wireBody)), signer)) {
    throw new ProtocolError('BAD_SIGNATURE', `the signature of this ${type} is not its signer's`)
  }
  return {
    type,
    body,
    signer: inOnePiece(bytesToHex(signer)),
    bytes,
    cid: inOnePiece(cidOf(bytes).toString()),
  }
}

/**
 * Opens a record and insists on its author.
 * @throws {ProtocolError} as `openRecord`, and WRONG_SIGNER
 */
export function openRecordOf<T>(
  definition: MessageDefinition<T>,
  bytes: Uint8Array,
  signer: NodeKey,
  verify: VerifyEd25519 = verifyEd25519,
): SignedRecord<T> {
  const record = openRecord(definition, bytes, verify)
  if (record.signer !== signer) {
    throw new ProtocolError('WRONG_SIGNER', `this ${definition.type} was signed by another node`, {
      details: { expected: signer, actual: record.signer },
    })
  }
  return record
}

/**
 * The body of a record that has been opened before and kept: its signature and form are not checked again.
 * @throws {ProtocolError} NOT_CBOR, SCHEMA_MISMATCH where it had not been
 */
export function bodyOf<T>(definition: MessageDefinition<T>, bytes: Uint8Array): T {
  const envelope = decodeTrusted(bytes) as { body: unknown }
  return validateMessage(definition, envelope.body)
}

/**
 * Who seems to have signed a record, without opening it: canonical DAG-CBOR puts the signer and the signature last,
 * at places that do not vary. Good for finding what it may be a copy of, and for nothing else.
 */
export function apparentSigner(bytes: Uint8Array): NodeKey | null {
  const end = bytes.length - SIGNATURE_FIELD_BYTES
  return end < 32 ? null : bytesToHex(bytes.subarray(end - 32, end))
}

/** The bytes a signature covers: `"shoal/1/" + type + 0x00 + bytes(body)`. */
export function signingInput(type: string, body: Uint8Array): Uint8Array {
  return concatBytes(utf8.encode(SIGNING_CONTEXT + type), Uint8Array.of(0), body)
}
