import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { z } from 'zod'
import { encodeCanonical, type MessageDefinition, wire } from '../codec.ts'
import type { Address, Bytes32, ChannelId, CidString, ModelId, NodeKey, TaskId } from '../ids.ts'
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
 * The provider's record of a finished task, countersigned by the requester. It commits to the request and
 * the output by digest, so that either can be shown later and neither is revealed by the receipt.
 */
export interface Receipt {
  version: 1
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
  backend: z.infer<typeof backendSchema>
  promptTokens: number
  outputTokens: number
  /** `outputDigest` of what was delivered. */
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
    version: z.literal(1),
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
