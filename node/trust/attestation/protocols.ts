import {
  type AttestRequest,
  type AttestResponse,
  attestRequestMessage,
  attestResponseMessage,
} from '../../../protocol/messages/attestation.ts'
import type { RequestProtocol } from '../../p2p/protocol.ts'

/** Evidence of the hardware a peer runs in, made for a nonce of ours. Making it can take seconds. */
export const attestProtocol: RequestProtocol<AttestRequest, AttestResponse> = {
  kind: 'request',
  id: '/shoal/attest/1',
  request: attestRequestMessage,
  response: attestResponseMessage,
  timeoutMs: 15_000,
  quota: { burst: 8, perSecond: 1 / 30 },
  maxInboundStreams: 2,
}
