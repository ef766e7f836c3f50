import { z } from 'zod'
import { type MessageDefinition, ProtocolError, wire } from '../codec.ts'
import type { Address, ModelId } from '../ids.ts'
import {
  MAX_ADDRESSES_PER_OFFER,
  MAX_CLOCK_SKEW_MS,
  MAX_CREDIT_WINDOW_TOKENS,
  MAX_MODELS_PER_OFFER,
  MAX_MULTIADDR_CHARS,
  MAX_OFFER_LIFETIME_MS,
} from '../limits.ts'
import { backendSchema } from './backend.ts'

/** One model a provider runs, at which price and how fast. */
export interface ModelOffer {
  model: ModelId
  /** Kinds of task it takes. */
  kinds: ('chat' | 'completion')[]
  contextTokens: number
  /** llama.cpp's name, as `Q8_0`. */
  quantization: string
  parameterCount: number
  /** Base units per million tokens. */
  inputPerMillion: bigint
  outputPerMillion: bigint
  /** Measured by the provider, one stream. A claim; requesters measure for themselves. */
  tokensPerSecond: number
  slots: number
  freeSlots: number
}

/** A provider's signed, expiring statement of what it runs, at which price, where, under which SLA class. */
export interface Offer {
  version: 1
  /** Rises with each offer of a node; a lower one than already known is stale. */
  sequence: number
  issuedAtMs: number
  expiresAtMs: number
  models: ModelOffer[]
  backend: z.infer<typeof backendSchema>
  /** The wallet to be paid; with the signature over it, the node key's half of their binding. */
  wallet: Address
  chainId: number
  settlement: Address
  /** Tokens the provider goes ahead of payment. */
  creditWindowTokens: number
  /** What must be left of a channel's life when a task begins. */
  minChannelRemainingMs: number
  /** Where it can be dialled; only addresses others have confirmed. */
  addresses: string[]
  /** Free-form region such as `eu-de`; null when unstated. */
  region: string | null
  slaClass: 'B'
}

const modelOfferSchema = z.strictObject({
  model: wire.modelId,
  kinds: z
    .array(z.enum(['chat', 'completion']))
    .min(1)
    .max(2),
  contextTokens: wire.count,
  quantization: z.string().max(16),
  parameterCount: wire.count,
  inputPerMillion: wire.amount,
  outputPerMillion: wire.amount,
  tokensPerSecond: wire.count,
  slots: wire.count,
  freeSlots: wire.count,
})

export const offerMessage: MessageDefinition<Offer> = {
  type: 'offer',
  maxBytes: 8_192,
  schema: z.strictObject({
    version: z.literal(1),
    sequence: wire.count,
    issuedAtMs: wire.timeMs,
    expiresAtMs: wire.timeMs,
    models: z.array(modelOfferSchema).min(1).max(MAX_MODELS_PER_OFFER),
    backend: backendSchema,
    wallet: wire.address,
    chainId: wire.count,
    settlement: wire.address,
    creditWindowTokens: z.int().min(1).max(MAX_CREDIT_WINDOW_TOKENS),
    minChannelRemainingMs: wire.count,
    addresses: z.array(z.string().max(MAX_MULTIADDR_CHARS)).max(MAX_ADDRESSES_PER_OFFER),
    region: z.nullable(z.string().max(16)),
    slaClass: z.literal('B'),
  }),
}

/**
 * Checks an offer's times against the reader's clock.
 * @throws {ProtocolError} SCHEMA_MISMATCH when it has expired, lies in the future or lives too long
 */
export function checkOfferTimes(offer: Offer, nowMs: number): void {
  const lifetimeMs = offer.expiresAtMs - offer.issuedAtMs
  const problem =
    offer.expiresAtMs <= nowMs
      ? 'has expired'
      : offer.issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS
        ? 'was issued in the future'
        : lifetimeMs <= 0 || lifetimeMs > MAX_OFFER_LIFETIME_MS
          ? 'lives longer than an offer may'
          : null
  if (problem !== null) {
    throw new ProtocolError('SCHEMA_MISMATCH', `the offer ${problem}`, {
      details: { type: 'offer', path: 'expiresAtMs' },
    })
  }
}
