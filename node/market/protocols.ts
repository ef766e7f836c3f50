import { offerMessage } from '../../protocol/messages/offer.ts'
import {
  type OffersRequest,
  type OffersResponse,
  offersRequestMessage,
  offersResponseMessage,
} from '../../protocol/messages/offer-exchange.ts'
import type { GossipTopic, RequestProtocol } from '../p2p/protocol.ts'

/** New and renewed offers. */
export const offersTopic: GossipTopic = { topic: 'shoal/offers/2', maxBytes: offerMessage.maxBytes }

/** The offers a newly met peer knows. */
export const offersProtocol: RequestProtocol<OffersRequest, OffersResponse> = {
  kind: 'request',
  id: '/shoal/offers/2',
  request: offersRequestMessage,
  response: offersResponseMessage,
  timeoutMs: 10_000,
  quota: { burst: 10, perSecond: 0.5 },
  maxInboundStreams: 4,
}

/** What providers announce themselves under in the DHT. */
export const PROVIDER_SERVICE = 'provider'
