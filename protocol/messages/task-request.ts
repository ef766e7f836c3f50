import { z } from 'zod'
import { wire } from '../codec.ts'
import { DATA_CLASSES, type DataClass } from '../data-class.ts'
import type { Address, Bytes32, ChannelId, CidString, ModelId, TaskId } from '../ids.ts'
import {
  MAX_CHAT_MESSAGES,
  MAX_JSON_SCHEMA_BYTES,
  MAX_OUTPUT_TOKENS,
  MAX_SAMPLED_CANDIDATES,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
  MAX_TEXT_BYTES,
} from '../limits.ts'
import { CAPACITY_MODES, type CapacityMode, SLA_CLASSES, type SlaClass } from '../sla-class.ts'
import { type Award, awardSchema } from './bid.ts'

export type TaskInput =
  | { kind: 'chat'; messages: { role: 'system' | 'user' | 'assistant'; content: string }[] }
  | { kind: 'completion'; prompt: string }

/** On the wire in thousandths, so that every language writes the same bytes. */
export interface TaskSampling {
  temperature: number
  topP: number
  minP: number
  /** 0 keeps all candidates the sampler looks at, 64. */
  topK: number
  /** 256 bits of the requester's choice, from which the sampling seed follows; see `samplingSeed`. */
  nonce: Bytes32
  /**
   * What the seed is bound to. `task`: nonce and task id, so that no two tasks draw alike. `nonce`: the nonce alone,
   * for who wants the same output again.
   */
  seedScope: SeedScope
}

export const SEED_SCOPES = ['task', 'nonce'] as const
export type SeedScope = (typeof SEED_SCOPES)[number]

/** A claim the requester signed, with the amount it names. */
export interface SignedVoucher {
  cumulativeAmount: bigint
  /** 65 bytes r ‖ s ‖ v by the channel's session key. */
  signature: string
}

/** One unit of work asked for, and the channel that pays for it. First frame of a task's stream. */
export interface TaskRequest {
  kind: 'request'
  taskId: TaskId
  /** 0 at first; rises by one with each provider the task is moved to. */
  attempt: number
  /** The offer or update whose price and terms this accepts. */
  offer: CidString
  /** The bid it accepts in their place; null where there was no auction. */
  award: Award | null
  mode: CapacityMode
  slaClass: SlaClass
  dataClass: DataClass
  /** How long the requester can wait for the end, from now on, ms; null for no limit. */
  deadlineMs: number | null
  model: ModelId
  input: TaskInput
  /** Output made by earlier attempts, to be gone on from; tokens only if made by the same model file. */
  continuation: { text: string; tokens: number[] } | null
  maxTokens: number
  sampling: TaskSampling
  stop: string[]
  /** JSON Schema as JSON text. */
  jsonSchema: string | null
  payment: {
    payer: Address
    channelId: ChannelId
    /** The newest voucher the requester signed on this channel, so that a provider that lost it has it again. */
    voucher: SignedVoucher | null
  }
}

const thousandths = (max: number) =>
  z.codec(
    z
      .int()
      .min(0)
      .max(max * 1000),
    z.number().min(0).max(max),
    {
      decode: milli => milli / 1000,
      encode: value => Math.round(value * 1000),
    },
  )

const messageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: wire.text(MAX_TEXT_BYTES),
})

export const tokenIdSchema = z.int().min(0).max(0x7fff_ffff)

export const signedVoucherSchema = z.strictObject({
  cumulativeAmount: wire.amount,
  signature: wire.ecdsaSignature,
})

export const taskRequestSchema = z.strictObject({
  kind: z.literal('request'),
  taskId: wire.taskId,
  attempt: z.int().min(0).max(255),
  offer: wire.cid,
  award: z.nullable(awardSchema),
  mode: z.enum(CAPACITY_MODES),
  slaClass: z.enum(SLA_CLASSES),
  dataClass: z.enum(DATA_CLASSES),
  deadlineMs: z.nullable(wire.count),
  model: wire.modelId,
  input: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('chat'),
      messages: z.array(messageSchema).min(1).max(MAX_CHAT_MESSAGES),
    }),
    z.strictObject({ kind: z.literal('completion'), prompt: wire.text(MAX_TEXT_BYTES) }),
  ]),
  continuation: z.nullable(
    z.strictObject({
      text: wire.text(MAX_TEXT_BYTES),
      tokens: z.array(tokenIdSchema).max(MAX_OUTPUT_TOKENS),
    }),
  ),
  maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS),
  sampling: z.strictObject({
    temperature: thousandths(5),
    topP: thousandths(1),
    minP: thousandths(1),
    topK: z.int().min(0).max(MAX_SAMPLED_CANDIDATES),
    nonce: wire.bytes32,
    seedScope: z.enum(SEED_SCOPES),
  }),
  stop: z.array(wire.text(MAX_STOP_STRING_BYTES).refine(text => text.length > 0)).max(MAX_STOP_STRINGS),
  jsonSchema: z.nullable(wire.text(MAX_JSON_SCHEMA_BYTES)),
  payment: z.strictObject({
    payer: wire.address,
    channelId: wire.bytes32,
    voucher: z.nullable(signedVoucherSchema),
  }),
})
