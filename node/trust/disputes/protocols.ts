import {
  type EvidenceRequest,
  type EvidenceResponse,
  evidenceRequestMessage,
  evidenceResponseMessage,
} from '../../../protocol/messages/evidence.ts'
import {
  type ProofRequest,
  type ProofResponse,
  proofRequestMessage,
  proofResponseMessage,
} from '../../../protocol/messages/inclusion.ts'
import type { RequestProtocol } from '../../p2p/protocol.ts'

/** Where receipts stand in a provider's audit log. */
export const proofProtocol: RequestProtocol<ProofRequest, ProofResponse> = {
  kind: 'request',
  id: '/shoal/proof/1',
  request: proofRequestMessage,
  response: proofResponseMessage,
  timeoutMs: 15_000,
  quota: { burst: 8, perSecond: 0.2 },
  maxInboundStreams: 2,
}

/** The task of a dispute, for its jurors. */
export const evidenceProtocol: RequestProtocol<EvidenceRequest, EvidenceResponse> = {
  kind: 'request',
  id: '/shoal/evidence/1',
  request: evidenceRequestMessage,
  response: evidenceResponseMessage,
  timeoutMs: 60_000,
  quota: { burst: 8, perSecond: 0.1 },
  maxInboundStreams: 2,
}
