import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import { MAX_OFFERS_PER_EXCHANGE } from '../limits.ts'
import { offerMessage } from './offer.ts'

/** Asks a newly met peer for the offers it knows, so that nobody waits for the next gossip. */
export interface OffersRequest {
  limit: number
}
export interface OffersResponse {
  /** Signed offer records, newest first. */
  records: Uint8Array[]
}

export const offersRequestMessage: MessageDefinition<OffersRequest> = {
  type: 'offers-request',
  maxBytes: 64,
  schema: z.strictObject({ limit: z.int().min(1).max(MAX_OFFERS_PER_EXCHANGE) }),
}

export const offersResponseMessage: MessageDefinition<OffersResponse> = {
  type: 'offers-response',
  maxBytes: MAX_OFFERS_PER_EXCHANGE * (offerMessage.maxBytes + 8),
  schema: z.strictObject({
    records: z.array(wire.bytes(offerMessage.maxBytes)).max(MAX_OFFERS_PER_EXCHANGE),
  }),
}
