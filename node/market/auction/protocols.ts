import {
  type BidRequest,
  type BidResponse,
  bidRequestMessage,
  bidResponseMessage,
} from '../../../protocol/messages/bid.ts'
import type { Quota, StreamProtocol } from '../../p2p/protocol.ts'

/** Sealed bids: a requester keeps the stream open for its next auctions, since a new one costs ten times an answer. */
export const bidProtocol: StreamProtocol<BidRequest, BidResponse> = {
  kind: 'stream',
  id: '/shoal/bid/1',
  up: bidRequestMessage,
  down: bidResponseMessage,
  // An announcement has nothing of the content.
  release: frame => frame,
  openTimeoutMs: 5_000,
  quota: { burst: 8, perSecond: 0.5 },
  maxInboundStreams: 2,
}

/** Frames of one requester, announcements and outcomes together. */
export const BID_FRAME_QUOTA: Quota = { burst: 256, perSecond: 128 }
