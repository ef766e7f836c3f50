import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { Bytes32 } from '../ids.ts'
import {
  MAX_CREDIT_WINDOW_TOKENS,
  MAX_OUTPUT_TOKENS,
  MAX_REASON_CHARS,
  MAX_SEALED_WINDOW_TOKENS,
  MAX_SPOT_NOTICE_MS,
  MAX_TOKENS_PER_FRAME,
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
  /** So many of the prompt's tokens have been computed. */
  | { kind: 'prefill'; promptTokens: number }
  /** In the SLA class B alone. */
  | { kind: 'output'; tokens: number[]; text: string }
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

export const providerFrameMessage: MessageDefinition<ProviderFrame> = {
  type: 'provider-frame',
  maxBytes: 131_072,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('output'),
      tokens: z.array(tokenIdSchema).max(MAX_TOKENS_PER_FRAME),
      text: wire.text(65_536),
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
