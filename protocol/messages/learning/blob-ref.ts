import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { wire } from '../../codec.ts'
import type { Bytes32 } from '../../ids.ts'
import { inOnePiece } from '../../text.ts'

/** `sha256:` and 64 lower-case hex characters: what a blob is called. */
export type BlobDigest = string

/** What a blob is, and how to check each part of it by itself; small enough to be gossiped in its place. */
export interface BlobRef {
  /** SHA-256 of the whole. */
  digest: BlobDigest
  bytes: number
  /** What `chunksRoot` makes of the SHA-256 of each chunk. */
  root: Bytes32
}

/** Every chunk has so many bytes but the last, which has the rest. */
export const BLOB_CHUNK_BYTES = 262_144
export const MAX_BLOB_BYTES = 268_435_456
export const BLOB_DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/
const HASH_BYTES = 32
/** The hashes of the chunks of the largest blob. */
export const MAX_CHUNK_LIST_BYTES = (MAX_BLOB_BYTES / BLOB_CHUNK_BYTES) * HASH_BYTES
const CONTEXT = utf8ToBytes('shoal/1/chunks\0')

/** A field of messages that is the digest of a blob alone. */
export const blobDigestSchema = z.codec(
  wire.bytes(HASH_BYTES, HASH_BYTES),
  z.string().regex(BLOB_DIGEST_PATTERN, { message: 'must be sha256: and 64 hex characters' }),
  {
    decode: bytes => inOnePiece(`sha256:${bytesToHex(bytes)}`),
    encode: digest => hexToBytes(digest.slice('sha256:'.length)),
  },
)

/** A field of messages that names a blob; empty ones and those beyond `MAX_BLOB_BYTES` are refused. */
export const blobRefSchema: z.ZodType<BlobRef> = z.strictObject({
  digest: blobDigestSchema,
  bytes: z.int().min(1).max(MAX_BLOB_BYTES),
  root: wire.bytes32,
})

/** How many chunks a blob of so many bytes has. */
export function chunkCount(bytes: number): number {
  return Math.ceil(bytes / BLOB_CHUNK_BYTES)
}

/** Bytes of one chunk of a blob of `bytes`. */
export function chunkLength(bytes: number, index: number): number {
  return Math.min(BLOB_CHUNK_BYTES, bytes - index * BLOB_CHUNK_BYTES)
}

/**
 * SHA-256 of `shoal/1/chunks` ‖ 0x00 ‖ the blob's length as 8 bytes, big-endian ‖ the SHA-256 of each chunk in order.
 * @param list the hashes of the chunks, 32 bytes each
 */
export function chunksRoot(bytes: number, list: Uint8Array): Bytes32 {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes))
  return `0x${bytesToHex(sha256.create().update(CONTEXT).update(length).update(list).digest())}`
}
