import {
  type BidOutcome,
  type BidOutcomeReply,
  type BidRequest,
  type BidResponse,
  bidOutcomeMessage,
  bidOutcomeReplyMessage,
  bidRequestMessage,
  bidResponseMessage,
} from '../../../protocol/messages/bid.ts'
import type { RequestProtocol } from '../../p2p/protocol.ts'

/** Asks a provider for a sealed bid. */
export const bidProtocol: RequestProtocol<BidRequest, BidResponse> = {
  kind: 'request',
  id: '/shoal/bid/1',
  request: bidRequestMessage,
  response: bidResponseMessage,
  timeoutMs: 5_000,
  quota: { burst: 64, perSecond: 32 },
  maxInboundStreams: 16,
}

/** Tells a provider which bid won over its own. */
export const bidOutcomeProtocol: RequestProtocol<BidOutcome, BidOutcomeReply> = {
  kind: 'request',
  id: '/shoal/bid-outcome/1',
  request: bidOutcomeMessage,
  response: bidOutcomeReplyMessage,
  timeoutMs: 5_000,
  quota: { burst: 64, perSecond: 32 },
  maxInboundStreams: 16,
}
