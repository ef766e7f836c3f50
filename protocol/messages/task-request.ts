import { z } from 'zod'
import { wire } from '../codec.ts'
import { DATA_CLASSES, type DataClass } from '../data-class.ts'
import type { Address, Bytes32, ChannelId, CidString, ModelId, TaskId } from '../ids.ts'
import {
  MAX_CHAT_MESSAGES,
  MAX_EMBEDDED_TEXTS,
  MAX_JSON_SCHEMA_BYTES,
  MAX_LOGPROB_ALTERNATIVES,
  MAX_OUTPUT_TOKENS,
  MAX_SAMPLED_CANDIDATES,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
  MAX_TEXT_BYTES,
} from '../limits.ts'
import { CAPACITY_MODES, type CapacityMode, SLA_CLASSES, type SlaClass } from '../sla-class.ts'
import { type Award, awardSchema } from './bid.ts'

/** What text is made from. */
export type TextInput =
  | { kind: 'chat'; messages: { role: 'system' | 'user' | 'assistant'; content: string }[] }
  | { kind: 'completion'; prompt: string }

/**
 * Texts to be embedded, none of them empty: one vector for each. Their tokens are a task's prompt, and it has no output
 * tokens. In the SLA class B alone: vectors of honest machines differ in their last bits.
 */
export interface EmbeddingInput {
  kind: 'embedding'
  inputs: string[]
}

export type TaskInput = TextInput | EmbeddingInput

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
  /**
   * So many of the likeliest tokens, with their log-probabilities, are told beside each token of the output, 0 for its
   * own alone; left out where none are wanted. In the SLA class B alone.
   */
  logprobs?: number
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

/** Of `TextInput`. */
export const textInputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('chat'),
    messages: z.array(messageSchema).min(1).max(MAX_CHAT_MESSAGES),
  }),
  z.strictObject({ kind: z.literal('completion'), prompt: wire.text(MAX_TEXT_BYTES) }),
])

const embeddingInputSchema = z.strictObject({
  kind: z.literal('embedding'),
  inputs: z
    .array(wire.text(MAX_TEXT_BYTES).refine(text => text.length > 0))
    .min(1)
    .max(MAX_EMBEDDED_TEXTS),
})

export const taskRequestSchema = z
  .strictObject({
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
    input: z.discriminatedUnion('kind', [textInputSchema, embeddingInputSchema]),
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
    logprobs: z.optional(z.int().min(0).max(MAX_LOGPROB_ALTERNATIVES)),
    payment: z.strictObject({
      payer: wire.address,
      channelId: wire.bytes32,
      voucher: z.nullable(signedVoucherSchema),
    }),
  })
  .refine(
    ({ slaClass, input, logprobs }) =>
      slaClass === 'B' || (input.kind !== 'embedding' && logprobs === undefined),
    { message: 'is there in the SLA class B alone', path: ['slaClass'] },
  )
  .refine(({ input, continuation, jsonSchema, logprobs, stop }) => {
    const makesText =
      continuation !== null || jsonSchema !== null || logprobs !== undefined || stop.length > 0
    return input.kind !== 'embedding' || !makesText
  }, 'an embedding has no output to go on from, to hold to a schema, to stop or to tell log-probabilities of')
