import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { encodeCanonical, type MessageDefinition, wire } from '../codec.ts'
import type { Address, Bytes32, ChannelId, CidString, ModelId, NodeKey, TaskId } from '../ids.ts'
import { packVectors } from '../vectors.ts'
import { backendSchema } from './backend.ts'

/**
 * How a task ended. `stop`, `stop_string`, `length`: whole. `cancelled`: the requester said so. `unpaid`:
 * the provider saw no payment in time. `failed`: the provider could not go on. `preempted`: a spot task made
 * room, with notice.
 */
export const END_REASONS = [
  'stop',
  'stop_string',
  'length',
  'cancelled',
  'unpaid',
  'failed',
  'preempted',
] as const
export type EndReason = (typeof END_REASONS)[number]

/**
 * How output tokens were chosen. `gumbel-64/1`: by the reproducible sampler from the request's seed, so that anyone
 * can compute the choice again from the logits. `engine`: by the engine's own, which only grammars need, or, for
 * embeddings, not at all.
 */
export const SAMPLERS = ['gumbel-64/1', 'engine'] as const
export type SamplerId = (typeof SAMPLERS)[number]

/**
 * The provider's record of a finished task, countersigned by the requester. It commits to the request (with
 * parameters, nonce and limits), the tokens of the prompt and the output by digest, so that each can be shown later
 * and none is revealed by the receipt.
 */
export interface Receipt {
  version: 2
  taskId: TaskId
  attempt: number
  requester: NodeKey
  provider: NodeKey
  payer: Address
  payee: Address
  chainId: number
  settlement: Address
  channelId: ChannelId
  offer: CidString
  /** CID of the request frame as it was sent. */
  request: CidString
  model: ModelId
  /** The adapter the model ran with; null for none. */
  adapter: ModelId | null
  /** sha2-256 of the chat template the prompt was built with; null where none was. */
  chatTemplate: Bytes32 | null
  /**
   * `tokensDigest` of the prompt as the model saw it, a continuation's tokens included; null where it is not known, and
   * for embeddings.
   */
  prompt: Bytes32 | null
  sampler: SamplerId
  backend: z.infer<typeof backendSchema>
  promptTokens: number
  outputTokens: number
  /** `outputDigest` of what was delivered, or `vectorsDigest`. */
  output: Bytes32
  reason: EndReason
  /** What the task cost, base units. */
  amount: bigint
  /**
   * What the payer owes on the channel, all told, once this task is paid, base units: as far as the provider
   * knows, and never more than it is.
   */
  cumulativeAmount: bigint
  startedAtMs: number
  endedAtMs: number
}

export const receiptMessage: MessageDefinition<Receipt> = {
  type: 'receipt',
  maxBytes: 4_096,
  schema: z.strictObject({
    version: z.literal(2),
    taskId: wire.taskId,
    attempt: z.int().min(0).max(255),
    requester: wire.nodeKey,
    provider: wire.nodeKey,
    payer: wire.address,
    payee: wire.address,
    chainId: wire.count,
    settlement: wire.address,
    channelId: wire.bytes32,
    offer: wire.cid,
    request: wire.cid,
    model: wire.modelId,
    adapter: z.nullable(wire.modelId),
    chatTemplate: z.nullable(wire.bytes32),
    prompt: z.nullable(wire.bytes32),
    sampler: z.enum(SAMPLERS),
    backend: backendSchema,
    promptTokens: wire.count,
    outputTokens: wire.count,
    output: wire.bytes32,
    reason: z.enum(END_REASONS),
    amount: wire.amount,
    cumulativeAmount: wire.amount,
    startedAtMs: wire.timeMs,
    endedAtMs: wire.timeMs,
  }),
}

/** sha2-256 of the DAG-CBOR list `[tokens, text]`. */
export function outputDigest(tokens: readonly number[], text: string): Bytes32 {
  return `0x${bytesToHex(sha256(encodeCanonical([tokens, text])))}`
}

/** sha2-256 of the DAG-CBOR list of the tokens of a prompt as the model sees it. */
export function tokensDigest(tokens: readonly number[]): Bytes32 {
  return `0x${bytesToHex(sha256(encodeCanonical(tokens)))}`
}

/** sha2-256 of the DAG-CBOR list of vectors, each a byte string of singles as `packVectors` makes it. */
export function vectorsDigest(vectors: readonly Float32Array[]): Bytes32 {
  return `0x${bytesToHex(sha256(encodeCanonical(vectors.map(vector => packVectors([vector])))))}`
}
