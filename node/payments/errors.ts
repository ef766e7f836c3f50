import { ShoalError } from '../../protocol/errors.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'

export type PaymentErrorCode =
  | 'WALLET_EMPTY'
  | 'GAS_MONEY_MISSING'
  | 'SPENDING_LIMIT'
  | 'CHANNEL_NOT_OPENED'
  | 'CHANNEL_TOO_SMALL'
  | 'VOUCHER_FOREIGN'
  | 'NOTHING_TO_SETTLE'
  | 'SETTLEMENT_FAILED'
  | 'WITHDRAWAL_FAILED'
  | 'STAKE_TOO_SMALL'
  | 'STILL_UNBONDING'
  | 'STAKE_LOCKED'
  | 'DEPOSITS_PAUSED'
  | 'NOTHING_UNBONDING'
  | 'NOTHING_TO_WITHDRAW'
  | 'STAKE_FAILED'

export class PaymentError extends ShoalError<PaymentErrorCode> {
  override readonly name = 'PaymentError'
}

/** Why a provider does not take a channel or a voucher; the requester is told the code. */
export class PaymentRefusal extends ShoalError<RefusalCode> {
  override readonly name = 'PaymentRefusal'
}
