import { ShoalError } from '../../protocol/errors.ts'

export type ChainErrorCode =
  | 'CHAIN_UNREACHABLE'
  | 'CHAIN_ID_MISMATCH'
  | 'CONTRACTS_UNKNOWN'
  | 'CONTRACTS_NOT_DEPLOYED'
  | 'CONTRACTS_FILE_INVALID'
  | 'TRANSACTION_REJECTED'

export class ChainError extends ShoalError<ChainErrorCode> {
  override readonly name = 'ChainError'
}
