import { offerMessage } from '../../protocol/messages/offer.ts'
import {
  type OffersRequest,
  type OffersResponse,
  offersRequestMessage,
  offersResponseMessage,
} from '../../protocol/messages/offer-exchange.ts'
import { offerUpdateMessage } from '../../protocol/messages/offer-update.ts'
import type { GossipTopic, RequestProtocol } from '../p2p/protocol.ts'

/** New offers: what somebody runs has changed. */
export const offersTopic: GossipTopic = { topic: 'shoal/offers/3', maxBytes: offerMessage.maxBytes }

/** New terms of offers, and their renewal. */
export const offerUpdatesTopic: GossipTopic = {
  topic: 'shoal/offer-updates/1',
  maxBytes: offerUpdateMessage.maxBytes,
}

/** The offers a peer knows. */
export const offersProtocol: RequestProtocol<OffersRequest, OffersResponse> = {
  kind: 'request',
  id: '/shoal/offers/3',
  request: offersRequestMessage,
  response: offersResponseMessage,
  timeoutMs: 10_000,
  quota: { burst: 10, perSecond: 0.5 },
  maxInboundStreams: 4,
}

/** What providers announce themselves under in the DHT. */
export const PROVIDER_SERVICE = 'provider'
