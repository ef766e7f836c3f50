import { ShoalError } from '../../../../../protocol/errors.ts'

/** What can go wrong between the page, the person's wallet, the chain and the node; a closed set. */
export type WalletPageErrorCode =
  /** The person said no in the wallet. */
  | 'REJECTED'
  | 'NO_WALLET'
  | 'NO_ACCOUNT'
  | 'WRONG_CHAIN'
  /** The wallet is on another account than what is to be signed for. */
  | 'WRONG_ACCOUNT'
  | 'EMPTY_WALLET'
  | 'WALLET_FAILED'
  | 'CHAIN_UNREACHABLE'
  /** The chain took the transaction and undid it. */
  | 'REVERTED'
  /** The contracts the node names are not those this browser knows. */
  | 'DEPLOYMENT_CHANGED'
  | 'NOT_OUR_CONTRACTS'
  /** A session key would sign for more than it may. */
  | 'LIMIT_REACHED'
  /** The node claims more than what came can have cost. */
  | 'OVERCHARGED'
  | 'KEY_LOST'
  | 'STORAGE_FAILED'
  | 'NODE_UNREACHABLE'
  | 'NODE_REFUSED'
  | 'NODE_ANSWER_INVALID'

/** An expected failure on the page: shown with its code and what to do, never with a stack. */
export class WalletPageError extends ShoalError<WalletPageErrorCode> {
  override readonly name = 'WalletPageError'
}
