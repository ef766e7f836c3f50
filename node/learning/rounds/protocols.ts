import {
  type LearningSyncRequest,
  type LearningSyncResponse,
  learningSyncRequestMessage,
  learningSyncResponseMessage,
} from '../../../protocol/messages/learning/learning-sync.ts'
import type { GossipTopic, RequestProtocol } from '../../p2p/protocol.ts'
import { MAX_ROUND_RECORD_BYTES } from './round-record.ts'

/** All that is said in rounds; updates themselves go another way. */
export const learningTopic: GossipTopic = { topic: 'shoal/learning/1', maxBytes: MAX_ROUND_RECORD_BYTES }

/** For members who were away, or missed what others name. */
export const learningSyncProtocol: RequestProtocol<LearningSyncRequest, LearningSyncResponse> = {
  kind: 'request',
  id: '/shoal/learning-sync/1',
  request: learningSyncRequestMessage,
  response: learningSyncResponseMessage,
  timeoutMs: 15_000,
  quota: { burst: 64, perSecond: 2 },
  maxInboundStreams: 4,
}
