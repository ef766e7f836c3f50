import { z } from 'zod'
import { type AdaptedModel, isAdaptedModel } from '../adapted-model.ts'
import { type MessageDefinition, ProtocolError, wire } from '../codec.ts'
import { DATA_CLASSES, type DataClass } from '../data-class.ts'
import { ENTITY_KINDS, type EntityKind } from '../entity-kinds.ts'
import type { Address, ModelId } from '../ids.ts'
import {
  MAX_ADDRESSES_PER_OFFER,
  MAX_CLOCK_SKEW_MS,
  MAX_CREDIT_WINDOW_TOKENS,
  MAX_ENTITIES_PER_OFFER,
  MAX_ENTITY_TEXT_CHARS,
  MAX_MODELS_PER_OFFER,
  MAX_MULTIADDR_CHARS,
  MAX_OFFER_LIFETIME_MS,
  MAX_SPOT_NOTICE_MS,
  MAX_TAGS_PER_ENTITY,
} from '../limits.ts'
import { SLA_CLASSES, type SlaClass } from '../sla-class.ts'
import { backendSchema } from './backend.ts'

export const TASK_KINDS = ['chat', 'completion', 'embedding'] as const
export type TaskKind = (typeof TASK_KINDS)[number]
export const MODALITIES = ['text', 'image', 'audio', 'video'] as const
export type Modality = (typeof MODALITIES)[number]
/** Why prices are as they are: the operator's own, raised by demand, lowered for want of it. */
export const PRICE_REASONS = ['base', 'demand', 'idle'] as const
export type PriceReason = (typeof PRICE_REASONS)[number]

/** A lower price for work that may be pre-empted. */
export interface SpotTerms {
  /** Base units per million tokens. */
  inputPerMillion: bigint
  outputPerMillion: bigint
  /** Between the notice and the end. */
  noticeMs: number
}

/** What changes from minute to minute about a model: an offer says it first, updates say it anew. */
export interface ModelTerms {
  /** Base units per million tokens, on demand. */
  inputPerMillion: bigint
  outputPerMillion: bigint
  /** Null where nothing is left to spot tasks. */
  spot: SpotTerms | null
  /** Measured by the provider, one stream, with the load of now. A claim; requesters measure for themselves. */
  tokensPerSecond: number
  /** From a task's arrival to its first token, the median of late, ms. A claim. */
  ttftMs: number
  freeSlots: number
  /** Tasks that wait for a slot. */
  queued: number
}

/** The terms of a model alone. */
export function modelTermsOf(model: ModelTerms): ModelTerms {
  const { inputPerMillion, outputPerMillion, spot, tokensPerSecond, ttftMs, freeSlots, queued } = model
  return { inputPerMillion, outputPerMillion, spot, tokensPerSecond, ttftMs, freeSlots, queued }
}

/** One model a provider runs, at which price and how fast. */
export interface ModelOffer extends ModelTerms {
  model: ModelId
  /** Of what it is made where it wears an adapter, `model` being the name of both together; null for a file as it is. */
  adapter: AdaptedModel | null
  /** Kinds of task it takes. */
  kinds: TaskKind[]
  /** What it reads. */
  modalities: Modality[]
  contextTokens: number
  /** llama.cpp's name, as `Q8_0`; empty where it is not known. */
  quantization: string
  /** 0 where it is not known. */
  parameterCount: number
  slots: number
}

/** Anything else a node makes known: an agent, a service, a resource. Found like models are. */
export interface Entity {
  kind: EntityKind
  /** As `translator`, `web-search`, `gpu`. */
  name: string
  /** What it can do, in words others search for: `lang:de`, `protocol:mcp`, `vram:24GiB`. */
  tags: string[]
  /** Where it is spoken to: a protocol id or a URL; null where tasks reach it. */
  endpoint: string | null
  /** Base units for one `unit`; null where it is free or agreed on otherwise. */
  price: { amount: bigint; unit: string } | null
  /** How much there is, in the unit its name or tags say; null where that means nothing. */
  capacity: number | null
}

/**
 * A provider's signed, expiring statement of what it runs, at which price, where, under which SLA class: the
 * one capability record of a node, for models and everything else.
 */
export interface Offer {
  version: 3
  /** Rises with each offer and update of a node; a lower one than already known is stale. */
  sequence: number
  issuedAtMs: number
  expiresAtMs: number
  models: ModelOffer[]
  entities: Entity[]
  priceReason: PriceReason
  backend: z.infer<typeof backendSchema>
  /** The wallet to be paid; with the signature over it, the node key's half of their binding. */
  wallet: Address
  /** What the wallet has at stake, base units, rounded down to whole credits. A claim; the chain says. */
  stake: bigint
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
  slaClasses: SlaClass[]
  /** The most guarded class of data it declares itself fit for. A claim; requesters decide whom they believe. */
  dataClass: DataClass
}

const priceFields = { inputPerMillion: wire.amount, outputPerMillion: wire.amount }

/** Of `ModelTerms`. */
export const modelTermsFields = {
  ...priceFields,
  spot: z.nullable(z.strictObject({ ...priceFields, noticeMs: z.int().min(0).max(MAX_SPOT_NOTICE_MS) })),
  tokensPerSecond: wire.count,
  ttftMs: wire.count,
  freeSlots: wire.count,
  queued: wire.count,
}

const modelOfferSchema = z
  .strictObject({
    model: wire.modelId,
    adapter: z.nullable(z.strictObject({ base: wire.modelId, adapter: wire.modelId })),
    kinds: z.array(z.enum(TASK_KINDS)).min(1).max(TASK_KINDS.length),
    modalities: z.array(z.enum(MODALITIES)).min(1).max(MODALITIES.length),
    contextTokens: wire.count,
    quantization: z.string().max(16),
    parameterCount: wire.count,
    slots: wire.count,
    ...modelTermsFields,
  })
  .refine(({ model, adapter }) => adapter === null || isAdaptedModel(model, adapter), {
    message: 'is not the model that its base and adapter make',
    path: ['adapter'],
  })

/** Of `Entity`. */
export const entitySchema = z.strictObject({
  kind: z.enum(ENTITY_KINDS),
  name: z.string().min(1).max(MAX_ENTITY_TEXT_CHARS),
  tags: z.array(z.string().min(1).max(MAX_ENTITY_TEXT_CHARS)).max(MAX_TAGS_PER_ENTITY),
  endpoint: z.nullable(z.string().max(MAX_MULTIADDR_CHARS)),
  price: z.nullable(z.strictObject({ amount: wire.amount, unit: z.string().max(32) })),
  capacity: z.nullable(wire.count),
})

export const offerMessage: MessageDefinition<Offer> = {
  type: 'offer',
  maxBytes: 16_384,
  schema: z
    .strictObject({
      version: z.literal(3),
      sequence: wire.count,
      issuedAtMs: wire.timeMs,
      expiresAtMs: wire.timeMs,
      models: z.array(modelOfferSchema).max(MAX_MODELS_PER_OFFER),
      entities: z.array(entitySchema).max(MAX_ENTITIES_PER_OFFER),
      priceReason: z.enum(PRICE_REASONS),
      backend: backendSchema,
      wallet: wire.address,
      stake: wire.amount,
      chainId: wire.count,
      settlement: wire.address,
      creditWindowTokens: z.int().min(1).max(MAX_CREDIT_WINDOW_TOKENS),
      minChannelRemainingMs: wire.count,
      addresses: z.array(z.string().max(MAX_MULTIADDR_CHARS)).max(MAX_ADDRESSES_PER_OFFER),
      region: z.nullable(z.string().max(16)),
      slaClasses: z.array(z.enum(SLA_CLASSES)).min(1).max(SLA_CLASSES.length),
      dataClass: z.enum(DATA_CLASSES),
    })
    .refine(({ models, entities }) => models.length + entities.length > 0, { message: 'offers nothing' }),
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
