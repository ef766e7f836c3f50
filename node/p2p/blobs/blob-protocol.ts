import {
  type BlobDownFrame,
  type BlobUpFrame,
  blobDownMessage,
  blobUpMessage,
} from '../../../protocol/messages/learning/blob-frame.ts'
import type { StreamProtocol } from '../protocol.ts'

/** One blob on one stream: who opens it asks for chunks, the other side sends them. */
export const blobProtocol: StreamProtocol<BlobUpFrame, BlobDownFrame> = {
  kind: 'stream',
  id: '/shoal/blob/1',
  up: blobUpMessage,
  down: blobDownMessage,
  release: frame => frame,
  openTimeoutMs: 10_000,
  quota: { burst: 128, perSecond: 4 },
  maxInboundStreams: 8,
}
