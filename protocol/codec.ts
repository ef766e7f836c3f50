import * as dagCbor from '@ipld/dag-cbor'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { z } from 'zod'
import { ShoalError } from './errors.ts'
import {
  ADDRESS_PATTERN,
  BYTES32_PATTERN,
  MODEL_ID_PATTERN,
  NODE_KEY_PATTERN,
  parseCid,
  TASK_ID_PATTERN,
} from './ids.ts'
import { MAX_AMOUNT, MAX_CBOR_DEPTH } from './limits.ts'
import { inOnePiece } from './text.ts'

export type ProtocolErrorCode =
  | 'TOO_LARGE'
  | 'NOT_CBOR'
  | 'NOT_CANONICAL'
  | 'SCHEMA_MISMATCH'
  | 'WRONG_TYPE'
  | 'BAD_SIGNATURE'
  | 'WRONG_SIGNER'

/** Bytes or values that are not what the protocol says; whoever sent them is at fault. */
export class ProtocolError extends ShoalError<ProtocolErrorCode> {
  override readonly name = 'ProtocolError'
}

const SHA2_256 = 0x12

/** A message that crosses a wire: what it is called, how long it may be, and what it must look like. */
export interface MessageDefinition<T> {
  /** Stable name; part of what a signature covers. */
  readonly type: string
  readonly maxBytes: number
  /** Wire form to value and back (zod codec): bytes to hex strings, decimal strings to bigints. */
  readonly schema: z.ZodType<T>
}

/**
 * Encodes a value as the one canonical DAG-CBOR form of its message.
 * @throws {ProtocolError} SCHEMA_MISMATCH or TOO_LARGE when the value is not a valid message of this type
 */
export function encodeMessage<T>(definition: MessageDefinition<T>, value: T): Uint8Array {
  const bytes = encodeCanonical(toWire(definition, value))
  checkSize(definition, bytes)
  return bytes
}

/**
 * The wire form of a value, before CBOR.
 * @throws {ProtocolError} SCHEMA_MISMATCH
 */
export function toWire<T>(definition: MessageDefinition<T>, value: T): unknown {
  const encoded = z.safeEncode(definition.schema, value)
  if (!encoded.success) throw mismatch(definition.type, encoded.error)
  return encoded.data
}

/**
 * Decodes and validates bytes from a stranger. Checks the length first, then depth, CBOR, canonical
 * form (re-encoding gives the same bytes, so that a content has one identifier only), then the schema.
 * @throws {ProtocolError} TOO_LARGE, NOT_CBOR, NOT_CANONICAL, SCHEMA_MISMATCH
 */
export function decodeMessage<T>(definition: MessageDefinition<T>, bytes: Uint8Array): T {
  checkSize(definition, bytes)
  return validateMessage(definition, decodeCanonical(bytes))
}

/**
 * Validates an already decoded wire form.
 * @throws {ProtocolError} SCHEMA_MISMATCH
 */
export function validateMessage<T>(definition: MessageDefinition<T>, wire: unknown): T {
  const decoded = z.safeDecode(definition.schema, wire as z.input<typeof definition.schema>)
  if (!decoded.success) throw mismatch(definition.type, decoded.error)
  return decoded.data
}

/**
 * Decodes DAG-CBOR and insists on its canonical form.
 * @throws {ProtocolError} NOT_CBOR, NOT_CANONICAL
 */
export function decodeCanonical(bytes: Uint8Array): unknown {
  checkDepth(bytes)
  const value = decodeTrusted(bytes)
  if (!sameBytes(encodeCanonical(value), bytes)) {
    throw new ProtocolError('NOT_CANONICAL', 'the bytes are not the canonical DAG-CBOR of their content')
  }
  return value
}

/**
 * Decodes DAG-CBOR that has been checked before.
 * @throws {ProtocolError} NOT_CBOR where it had not been
 */
export function decodeTrusted(bytes: Uint8Array): unknown {
  try {
    return dagCbor.decode(bytes)
  } catch (cause) {
    throw new ProtocolError('NOT_CBOR', 'the bytes are not DAG-CBOR', { cause })
  }
}

/** The one DAG-CBOR form of a wire value, in a plain Uint8Array of its own. */
export function encodeCanonical(wire: unknown): Uint8Array {
  return new Uint8Array(dagCbor.encode(wire))
}

/** CIDv1 (dag-cbor, sha2-256) of bytes already in canonical form. */
export function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(dagCbor.code, createDigest(SHA2_256, sha256(bytes)))
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  // Ten times as quick as `every` with a callback, and frames of blobs are long.
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Refuses bytes longer than their message may be.
 * @throws {ProtocolError} TOO_LARGE
 */
export function checkSize(definition: MessageDefinition<unknown>, bytes: Uint8Array): void {
  if (bytes.length > definition.maxBytes) {
    throw new ProtocolError('TOO_LARGE', `${definition.type} is longer than ${definition.maxBytes} bytes`, {
      details: { type: definition.type, bytes: bytes.length, maxBytes: definition.maxBytes },
    })
  }
}

/**
 * Refuses deep nesting before the recursive decoder sees it. Walks heads only: arrays, maps and tags open
 * a level, strings are skipped. Malformed input may pass; the decoder then refuses it.
 */
function checkDepth(bytes: Uint8Array): void {
  const open: number[] = []
  let at = 0
  while (at < bytes.length) {
    const head = bytes[at]!
    const major = head >> 5
    const info = head & 31
    const argumentBytes = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : 0
    let argument = info < 24 ? info : 0
    for (let i = 1; i <= argumentBytes; i++) argument = argument * 256 + (bytes[at + i] ?? 0)
    at += 1 + argumentBytes
    if (major === 2 || major === 3) at += argument
    const children = major === 4 ? argument : major === 5 ? argument * 2 : major === 6 ? 1 : 0
    if (children > 0) {
      open.push(children)
      if (open.length > MAX_CBOR_DEPTH) throw new ProtocolError('NOT_CBOR', 'the bytes nest too deeply')
      continue
    }
    while (open.length > 0) {
      const left = open.pop()! - 1
      if (left > 0) {
        open.push(left)
        break
      }
    }
  }
}

function mismatch(type: string, error: z.ZodError): ProtocolError {
  const issue = error.issues[0]
  const path = issue?.path.join('.') ?? ''
  return new ProtocolError(
    'SCHEMA_MISMATCH',
    `not a valid ${type}: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'invalid'}`,
    {
      details: { type, path },
    },
  )
}

const bytesSchema = z.custom<Uint8Array>(value => value instanceof Uint8Array, { message: 'must be bytes' })

function hexCodec(length: number, pattern: RegExp, prefix: '' | '0x') {
  return z.codec(
    bytesSchema.refine(bytes => bytes.length === length, { message: `must have ${length} bytes` }),
    z.string().regex(pattern),
    {
      decode: bytes => inOnePiece(prefix + bytesToHex(bytes)),
      encode: text => hexToBytes(text.slice(prefix.length)),
    },
  )
}

/** Schemas of the fields messages are made of: the wire form on the left, the value on the right. */
export const wire = {
  nodeKey: hexCodec(32, NODE_KEY_PATTERN, ''),
  address: hexCodec(20, ADDRESS_PATTERN, '0x'),
  bytes32: hexCodec(32, BYTES32_PATTERN, '0x'),
  /** r, s, v of secp256k1, as contracts take it. */
  ecdsaSignature: hexCodec(65, /^0x[0-9a-f]{130}$/, '0x'),
  taskId: hexCodec(16, TASK_ID_PATTERN, ''),
  modelId: z.string().regex(MODEL_ID_PATTERN),
  /** IPLD link on the wire, base32 string inside. */
  cid: z.codec(
    z.custom<CID>(value => CID.asCID(value)?.version === 1, { message: 'must be a CIDv1' }),
    z.string().refine(text => parseCid(text) !== null, { message: 'must be a CIDv1' }),
    { decode: cid => inOnePiece(cid.toString()), encode: text => CID.parse(text) },
  ),
  /** Base units: a decimal string on the wire, since CBOR integers end at 64 bits. */
  amount: z.codec(
    z
      .string()
      .max(39)
      .regex(/^(?:0|[1-9]\d*)$/),
    z.bigint().min(0n).max(MAX_AMOUNT),
    { decode: text => BigInt(text), encode: amount => amount.toString() },
  ),
  timeMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  count: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  /** Well-formed Unicode of at most `maxBytes` UTF-8 bytes. */
  text: (maxBytes: number) =>
    z
      .string()
      .max(maxBytes)
      .refine(text => text.isWellFormed() && utf8Length(text) <= maxBytes, {
        message: `must be well-formed text of at most ${maxBytes} bytes`,
      }),
  /** Copied, so that keeping a field does not keep the frame it came in. */
  bytes: (maxBytes: number, minBytes = 0) =>
    z.codec(
      bytesSchema.refine(bytes => bytes.length <= maxBytes && bytes.length >= minBytes, {
        message:
          minBytes === maxBytes ? `must have ${maxBytes} bytes` : `must have at most ${maxBytes} bytes`,
      }),
      bytesSchema,
      { decode: bytes => new Uint8Array(bytes), encode: bytes => bytes },
    ),
} as const

/** Bytes `text` takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) length += 1
    else if (unit < 0x800) length += 2
    else if (unit >= 0xd800 && unit < 0xdc00) {
      length += 4
      i++
    } else length += 3
  }
  return length
}
