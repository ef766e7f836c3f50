import { ShoalError } from '../../protocol/errors.ts'

export type TrustErrorCode = 'PEER_UNKNOWN' | 'PEER_AMBIGUOUS'

export class TrustError extends ShoalError<TrustErrorCode> {
  override readonly name = 'TrustError'
}
