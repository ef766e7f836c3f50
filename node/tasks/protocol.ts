import { type ProviderFrame, providerFrameMessage } from '../../protocol/messages/provider-frame.ts'
import { type RequesterFrame, requesterFrameMessage } from '../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import { Cleared } from '../market/clearance.ts'
import type { StreamProtocol } from '../p2p/protocol.ts'

/** What a requester hands over: the request as it is does not leave the node. */
export type OutgoingFrame = Cleared<TaskRequest> | Exclude<RequesterFrame, TaskRequest>

/** One task: the requester opens the stream with its request; frames go both ways until both have signed. */
export const taskProtocol: StreamProtocol<RequesterFrame, ProviderFrame, OutgoingFrame> = {
  kind: 'stream',
  id: '/shoal/task/4',
  up: requesterFrameMessage,
  down: providerFrameMessage,
  release(frame, remote) {
    if (frame instanceof Cleared) return frame.contentFor(remote)
    const { kind } = frame as RequesterFrame
    if (kind === 'request') throw new Error('a task was about to leave without clearance')
    return frame
  },
  openTimeoutMs: 10_000,
  quota: { burst: 64, perSecond: 32 },
  maxInboundStreams: 64,
}
