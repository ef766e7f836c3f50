import { ShoalError } from '../../protocol/errors.ts'

export type P2PErrorCode =
  | 'PORT_IN_USE'
  | 'BAD_ADDRESS'
  | 'PEER_UNREACHABLE'
  | 'PROTOCOL_UNSUPPORTED'
  | 'STREAM_RESET'
  | 'TIMED_OUT'
  | 'BAD_FRAME'
  | 'STOPPED'

export class P2PError extends ShoalError<P2PErrorCode> {
  override readonly name = 'P2PError'
}

/**
 * What a peer did wrong; a closed set, counted and scored. `unpaid`: a task ended, and what was delivered was not paid.
 * `false_audit`: what it said of others' work was wrong too often. `false_content`: the bytes it sent under a digest were others.
 * `bad_update`: what it gave to learn from is no adapter for its round, or nothing to measure with.
 */
export const VIOLATIONS = [
  'bad_frame',
  'oversize_frame',
  'bad_record',
  'over_quota',
  'silent',
  'bad_payment',
  'unpaid',
  'false_audit',
  'false_content',
  'bad_update',
] as const
export type Violation = (typeof VIOLATIONS)[number]
