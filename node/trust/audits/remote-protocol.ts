import {
  type AuditJob,
  type AuditReply,
  auditJobMessage,
  auditReplyMessage,
} from '../../../protocol/messages/audit-job.ts'
import type { Cleared } from '../../market/clearance.ts'
import type { StreamProtocol } from '../../p2p/protocol.ts'

/** One output to be scored: the job goes up, the signed scores come down. A job leaves only where it is cleared for. */
export const auditProtocol: StreamProtocol<AuditJob, AuditReply, Cleared<AuditJob>> = {
  kind: 'stream',
  id: '/shoal/audit/1',
  up: auditJobMessage,
  down: auditReplyMessage,
  release: (job, remote) => job.contentFor(remote),
  openTimeoutMs: 10_000,
  quota: { burst: 32, perSecond: 1 },
  maxInboundStreams: 2,
}

/** From the job to its scores, on either side. */
export const AUDIT_TIMEOUT_MS = 60_000
