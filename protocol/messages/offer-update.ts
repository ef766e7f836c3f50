import { z } from 'zod'
import { type MessageDefinition, ProtocolError, wire } from '../codec.ts'
import type { CidString } from '../ids.ts'
import { MAX_MODELS_PER_OFFER } from '../limits.ts'
import { type ModelTerms, modelTermsFields, type Offer, PRICE_REASONS, type PriceReason } from './offer.ts'

/**
 * What has changed since an offer: its terms of now and a new end. Small, so that the offer itself is gossiped
 * only when what it runs has changed. It replaces every earlier update of the same offer. One that ends when it is
 * issued takes the offer back.
 */
export interface OfferUpdate {
  version: 1
  /** CID of the offer it goes on from. */
  offer: CidString
  /** Of the same count as offers. */
  sequence: number
  issuedAtMs: number
  expiresAtMs: number
  priceReason: PriceReason
  /** `index` counts the offer's models; those not named stay as they were. */
  models: (ModelTerms & { index: number })[]
}

export const offerUpdateMessage: MessageDefinition<OfferUpdate> = {
  type: 'offer-update',
  maxBytes: 6_144,
  schema: z.strictObject({
    version: z.literal(1),
    offer: wire.cid,
    sequence: wire.count,
    issuedAtMs: wire.timeMs,
    expiresAtMs: wire.timeMs,
    priceReason: z.enum(PRICE_REASONS),
    models: z
      .array(
        z.strictObject({
          index: z
            .int()
            .min(0)
            .max(MAX_MODELS_PER_OFFER - 1),
          ...modelTermsFields,
        }),
      )
      .max(MAX_MODELS_PER_OFFER),
  }),
}

/**
 * The offer as an update leaves it.
 * @throws {ProtocolError} SCHEMA_MISMATCH when the update names models the offer lacks, or one twice
 */
export function updatedOffer(offer: Offer, update: OfferUpdate): Offer {
  const models = [...offer.models]
  const named = new Set<number>()
  for (const { index, ...terms } of update.models) {
    const model = offer.models[index]
    if (model === undefined || named.has(index)) {
      throw new ProtocolError('SCHEMA_MISMATCH', 'the update does not fit its offer', {
        details: { type: 'offer-update', path: 'models' },
      })
    }
    named.add(index)
    models[index] = { ...model, ...terms }
  }
  const { sequence, issuedAtMs, expiresAtMs, priceReason } = update
  return { ...offer, sequence, issuedAtMs, expiresAtMs, priceReason, models }
}

/** Whether the update takes its offer back. */
export function isWithdrawal({ issuedAtMs, expiresAtMs }: OfferUpdate): boolean {
  return expiresAtMs === issuedAtMs
}
