import { ShoalError } from '../../protocol/errors.ts'

export type AuditLogErrorCode =
  | 'AUDIT_LOG_FULL_DISK'
  | 'AUDIT_LOG_UNWRITABLE'
  | 'AUDIT_LOG_CORRUPT'
  | 'AUDIT_LOG_CLOSED'

export class AuditLogError extends ShoalError<AuditLogErrorCode> {
  override readonly name = 'AuditLogError'
}
