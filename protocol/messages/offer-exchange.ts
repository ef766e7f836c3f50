import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { NodeKey } from '../ids.ts'
import { MAX_OFFERS_PER_EXCHANGE } from '../limits.ts'
import { offerMessage } from './offer.ts'
import { offerUpdateMessage } from './offer-update.ts'

/**
 * Asks a peer for offers it knows: a newly met one for any, so that nobody waits for the next gossip, or the sender
 * of an update for the offer that belongs to it.
 */
export interface OffersRequest {
  limit: number
  /** Whose offers; with none, any. */
  providers: NodeKey[]
}

/** Signed records. */
export interface OfferRecords {
  offer: Uint8Array
  /** Null while the offer is as it was. */
  update: Uint8Array | null
}

export interface OffersResponse {
  /** Of each provider the newest; the answering node's own first. */
  records: OfferRecords[]
}

export const offersRequestMessage: MessageDefinition<OffersRequest> = {
  type: 'offers-request',
  maxBytes: 64 + MAX_OFFERS_PER_EXCHANGE * 34,
  schema: z.strictObject({
    limit: z.int().min(1).max(MAX_OFFERS_PER_EXCHANGE),
    providers: z.array(wire.nodeKey).max(MAX_OFFERS_PER_EXCHANGE),
  }),
}

export const offersResponseMessage: MessageDefinition<OffersResponse> = {
  type: 'offers-response',
  maxBytes: 64 + MAX_OFFERS_PER_EXCHANGE * (offerMessage.maxBytes + offerUpdateMessage.maxBytes + 32),
  schema: z.strictObject({
    records: z
      .array(
        z.strictObject({
          offer: wire.bytes(offerMessage.maxBytes),
          update: z.nullable(wire.bytes(offerUpdateMessage.maxBytes)),
        }),
      )
      .max(MAX_OFFERS_PER_EXCHANGE),
  }),
}
