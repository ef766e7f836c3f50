import type { PaymentAccess } from '../credit/payment-access.ts'
import { GatewayError } from '../http/http-error.ts'
import type { Principal, Purses } from '../http/principal.ts'
import { OWNER_PURSE, type Purse } from '../http/purse.ts'
import type { Accounts } from './accounts.ts'

/**
 * Finds who pays for a request: the owner for itself, a budget for whoever has one, and the wallet's credit here for
 * wallets that have none, or that say so by naming a channel.
 */
export class AccountPurses implements Purses {
  readonly #accounts: Accounts
  readonly #payments: PaymentAccess | null

  /** @param modules.payments null where nobody can pay here */
  constructor(modules: { accounts: Accounts; payments: PaymentAccess | null }) {
    this.#accounts = modules.accounts
    this.#payments = modules.payments
  }

  /** @throws {GatewayError} PAYMENT_REQUIRED, GATEWAY_BUSY */
  async purseOf(principal: Principal, options: { channelId: string | null }): Promise<Purse> {
    const lines = this.#accounts.linesOf(principal)
    if (lines.length === 0 && options.channelId === null && principal.via !== 'payment') return OWNER_PURSE
    const paysItself = principal.wallet !== null && principal.policy.budget === null
    if (paysItself || options.channelId !== null || principal.via === 'payment') {
      if (this.#payments !== null && principal.wallet !== null)
        return this.#payments.purse(options.channelId, principal)
      throw new GatewayError('PAYMENT_REQUIRED', 'nobody pays for this', {
        fix: 'Sign in with the wallet that opened the channel, or ask for a budget.',
      })
    }
    const { budgets } = this.#accounts
    return { reserve: maxAmount => budgets.reserve(lines, maxAmount) }
  }
}
