import { type ProviderFrame, providerFrameMessage } from '../../protocol/messages/provider-frame.ts'
import { type RequesterFrame, requesterFrameMessage } from '../../protocol/messages/requester-frame.ts'
import type { StreamProtocol } from '../p2p/protocol.ts'

/** One task: the requester opens the stream with its request; frames go both ways until both have signed. */
export const taskProtocol: StreamProtocol<RequesterFrame, ProviderFrame> = {
  kind: 'stream',
  id: '/shoal/task/2',
  up: requesterFrameMessage,
  down: providerFrameMessage,
  openTimeoutMs: 10_000,
  quota: { burst: 64, perSecond: 32 },
  maxInboundStreams: 64,
}
