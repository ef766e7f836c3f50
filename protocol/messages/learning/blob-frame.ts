import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import {
  BLOB_CHUNK_BYTES,
  type BlobRef,
  blobRefSchema,
  MAX_BLOB_BYTES,
  MAX_CHUNK_LIST_BYTES,
} from './blob-ref.ts'

const MAX_CHUNKS = MAX_BLOB_BYTES / BLOB_CHUNK_BYTES
/** Chunks asked for in one frame. */
export const MAX_CHUNKS_PER_GET = 16

/** What the one who fetches says. */
export type BlobUpFrame =
  /** Comes first: whether the other side has it, and the list of its chunks' hashes if that is not known yet. */
  | { kind: 'open'; blob: BlobRef; list: boolean }
  /** Answered by that many `chunk` or `missing` frames, in order. */
  | { kind: 'get'; first: number; count: number }
  /** Answered by a `have` frame: more may be there by now. */
  | { kind: 'ask' }

const BLOB_REFUSALS = [
  /** Not here, or not for others, or here with another root. */
  'unknown',
  /** Too many fetch at once. */
  'busy',
  /** This peer has had its share for now. */
  'spent',
] as const
export type BlobRefusal = (typeof BLOB_REFUSALS)[number]

/** What the one who has it says. */
export type BlobDownFrame =
  /** Chunks that are here, a bit each, the first in the lowest bit of the first byte; null where all are. */
  | { kind: 'have'; chunks: Uint8Array | null; list: Uint8Array | null }
  /** The next frame is the chunk as it is: its hash says whether it is the right one. */
  | { kind: 'chunk'; index: number }
  | { kind: 'missing'; index: number }
  | { kind: 'refused'; code: BlobRefusal }

const index = z
  .int()
  .min(0)
  .max(MAX_CHUNKS - 1)

export const blobUpMessage: MessageDefinition<BlobUpFrame> = {
  type: 'blob-request',
  maxBytes: 512,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('open'), blob: blobRefSchema, list: z.boolean() }),
    z.strictObject({ kind: z.literal('get'), first: index, count: z.int().min(1).max(MAX_CHUNKS_PER_GET) }),
    z.strictObject({ kind: z.literal('ask') }),
  ]),
}

export const blobDownMessage: MessageDefinition<BlobDownFrame> = {
  type: 'blob-answer',
  // As long as a chunk.
  maxBytes: BLOB_CHUNK_BYTES,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('have'),
      chunks: z.nullable(wire.bytes(MAX_CHUNKS / 8)),
      list: z.nullable(wire.bytes(MAX_CHUNK_LIST_BYTES)),
    }),
    z.strictObject({ kind: z.literal('chunk'), index }),
    z.strictObject({ kind: z.literal('missing'), index }),
    z.strictObject({ kind: z.literal('refused'), code: z.enum(BLOB_REFUSALS) }),
  ]),
}
