import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { Bytes32 } from '../ids.ts'
import {
  MAX_CREDIT_WINDOW_TOKENS,
  MAX_EMBEDDED_TEXTS,
  MAX_EMBEDDING_DIMENSIONS,
  MAX_LOGPROB_ALTERNATIVES,
  MAX_OUTPUT_TOKENS,
  MAX_REASON_CHARS,
  MAX_SEALED_WINDOW_TOKENS,
  MAX_SPOT_NOTICE_MS,
  MAX_TOKEN_TEXT_BYTES,
  MAX_TOKENS_PER_FRAME,
  MAX_VECTOR_BYTES_PER_FRAME,
} from '../limits.ts'
import { receiptMessage } from './receipt.ts'
import { type SignedVoucher, signedVoucherSchema, tokenIdSchema } from './task-request.ts'

/** Why a provider does not take a task; each leaves the requester free to ask elsewhere. */
const REFUSAL_CODES = [
  'busy',
  'overloaded',
  'share_used',
  'deadline_unmeetable',
  'spot_unavailable',
  'data_class',
  'award_invalid',
  'not_serving',
  'offer_unknown',
  'offer_expired',
  'model_unavailable',
  'prompt_too_long',
  'schema_unsupported',
  'channel_unknown',
  'channel_low',
  'channel_ending',
  'voucher_invalid',
  'bad_request',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** A token that could stand at a place of an output, and how likely that was. */
export interface TokenChance {
  /** What it adds to the output: text in UTF-8, or a part of a character; none for the end of a turn. */
  bytes: Uint8Array
  /** ln of its probability among the 64 likeliest, at temperature 1: 0 at most. On the wire in units of -0.0001. */
  logprob: number
}

/** How likely a token of the output was, and the likeliest at its place, likeliest first; it may be one of them. */
export interface TokenLogprobs extends TokenChance {
  top: TokenChance[]
}

/** What a provider may say on a task's stream. */
export type ProviderFrame =
  | {
      kind: 'accepted'
      /** Tokens of the prompt, template and continuation included. */
      promptTokens: number
      creditWindowTokens: number
      /** The best voucher the provider holds on the channel, so that a requester that lost it has it again. */
      voucher: SignedVoucher | null
    }
  | { kind: 'refused'; code: RefusalCode; message: string }
  /** It waits for a slot: so many are before it. Told again while it waits. */
  | { kind: 'queued'; ahead: number; expectedMs: number }
  /** A spot task will be ended so soon, for one that is paid in full. */
  | { kind: 'notice'; endsInMs: number }
  /**
   * So many of the prompt's tokens have been computed. A text to be embedded is computed at once, when the provider may go
   * on to its last token: until then, so many as it may.
   */
  | { kind: 'prefill'; promptTokens: number }
  /** In the SLA class B alone. */
  | {
      kind: 'output'
      tokens: number[]
      text: string
      /** One for each of `tokens`; only where the request asks for them, and left out by who does not know them. */
      logprobs?: TokenLogprobs[]
    }
  /**
   * Of a task that embeds: vectors of the next inputs, one after the other, each as `dimensions` IEEE 754 singles in little-endian
   * order. Not normalised. Their inputs' tokens have been computed; those that follow have not.
   */
  | {
      kind: 'vectors'
      /** Place of the first one among the request's inputs. */
      first: number
      dimensions: number
      /** Tokens of these inputs together. */
      tokens: number
      bytes: Uint8Array
    }
  /**
   * In the classes A and S: the next window of output is made, which nobody is shown yet; see `replicaCommitment`. `isLast`:
   * the answer ends in it, and it may have fewer tokens than others, or none.
   */
  | { kind: 'sealed'; window: number; isLast: boolean; commitment: Bytes32 }
  /** What was committed to, once the requester asks for it. */
  | { kind: 'opened'; window: number; tokens: number[]; text: string; salt: Bytes32 }
  /** The end, for whatever reason, with the provider's receipt for what was delivered. */
  | { kind: 'end'; receipt: Uint8Array }
  /** The last payment and the countersignature are stored. */
  | { kind: 'done' }

/** Place of a sealed window; none but the last is empty. */
export const windowSchema = z.int().min(0).max(MAX_OUTPUT_TOKENS)

const LOGPROBS_PER_NAT = 10_000
/** Less likely than this is as good as never. */
const MIN_LOGPROB = -1_000

const tokenChanceFields = {
  bytes: wire.bytes(MAX_TOKEN_TEXT_BYTES),
  logprob: z.codec(
    z
      .int()
      .min(0)
      .max(-MIN_LOGPROB * LOGPROBS_PER_NAT),
    z.number().min(MIN_LOGPROB).max(0),
    {
      // Never -0, which is not 0 to everybody.
      decode: units => (units === 0 ? 0 : -units / LOGPROBS_PER_NAT),
      encode: logprob => Math.round(Math.abs(logprob) * LOGPROBS_PER_NAT),
    },
  ),
}

const tokenLogprobsSchema = z.strictObject({
  ...tokenChanceFields,
  top: z.array(z.strictObject(tokenChanceFields)).max(MAX_LOGPROB_ALTERNATIVES),
})

export const providerFrameMessage: MessageDefinition<ProviderFrame> = {
  type: 'provider-frame',
  maxBytes: 131_072,
  schema: z.discriminatedUnion('kind', [
    z
      .strictObject({
        kind: z.literal('output'),
        tokens: z.array(tokenIdSchema).max(MAX_TOKENS_PER_FRAME),
        text: wire.text(65_536),
        logprobs: z.optional(z.array(tokenLogprobsSchema).max(MAX_TOKENS_PER_FRAME)),
      })
      .refine(({ tokens, logprobs }) => logprobs === undefined || logprobs.length === tokens.length, {
        message: 'there is one for each token',
        path: ['logprobs'],
      }),
    z
      .strictObject({
        kind: z.literal('vectors'),
        first: z
          .int()
          .min(0)
          .max(MAX_EMBEDDED_TEXTS - 1),
        dimensions: z.int().min(1).max(MAX_EMBEDDING_DIMENSIONS),
        tokens: wire.count,
        bytes: wire.bytes(MAX_VECTOR_BYTES_PER_FRAME, 4),
      })
      .refine(({ dimensions, bytes }) => bytes.length % (4 * dimensions) === 0, {
        message: 'are no whole vectors',
        path: ['bytes'],
      }),
    z.strictObject({
      kind: z.literal('sealed'),
      window: windowSchema,
      isLast: z.boolean(),
      commitment: wire.bytes32,
    }),
    z.strictObject({
      kind: z.literal('opened'),
      window: windowSchema,
      tokens: z.array(tokenIdSchema).max(MAX_SEALED_WINDOW_TOKENS),
      text: wire.text(65_536),
      salt: wire.bytes32,
    }),
    z.strictObject({ kind: z.literal('prefill'), promptTokens: wire.count }),
    z.strictObject({
      kind: z.literal('accepted'),
      promptTokens: wire.count,
      creditWindowTokens: z.int().min(1).max(MAX_CREDIT_WINDOW_TOKENS),
      voucher: z.nullable(signedVoucherSchema),
    }),
    z.strictObject({
      kind: z.literal('refused'),
      code: z.enum(REFUSAL_CODES),
      message: wire.text(MAX_REASON_CHARS),
    }),
    z.strictObject({ kind: z.literal('end'), receipt: wire.bytes(receiptMessage.maxBytes) }),
    z.strictObject({ kind: z.literal('queued'), ahead: wire.count, expectedMs: wire.count }),
    z.strictObject({ kind: z.literal('notice'), endsInMs: z.int().min(0).max(MAX_SPOT_NOTICE_MS) }),
    z.strictObject({ kind: z.literal('done') }),
  ]),
}
