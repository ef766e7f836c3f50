import { isShoalError } from '../../../protocol/errors.ts'
import { formatCredits, maxAmount } from '../../../protocol/money.ts'
import { VOUCHER_SCHEME, type VoucherChannel } from '../../../protocol/voucher-payment.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { PaymentStatement, Purse, Reservation } from '../http/purse.ts'
import type { CreditAccount } from './credit-account.ts'
import type { PaymentDesk } from './payment-desk.ts'
import {
  type BroughtPayment,
  channelJson,
  type PaymentPlace,
  paymentRequiredHeader,
  paymentResponseHeader,
  readPayment,
} from './x402.ts'

export interface X402PurseModules {
  request: GatewayRequest
  reply: GatewayReply
  /** @throws {GatewayError} GATEWAY_BUSY while the chain has not answered */
  desk: () => Promise<PaymentDesk>
}

const PAYMENT_HEADER = 'payment-signature'
const REQUIRED_HEADER = 'PAYMENT-REQUIRED'
const RESPONSE_HEADER = 'PAYMENT-RESPONSE'

/** Pays for one request with what it brings; without that, tells what it would have to bring. */
export class X402Purse implements Purse {
  readonly #modules: X402PurseModules

  constructor(modules: X402PurseModules) {
    this.#modules = modules
  }

  async reserve(wanted: bigint, options: { signal: AbortSignal }): Promise<Reservation> {
    if (wanted === 0n) {
      throw new GatewayError('GATEWAY_BUSY', 'nobody is known who does this, or not for so little', {
        headers: { 'retry-after': '5' },
        fix: 'Try again in a moment, allow a higher price, or ask for another model.',
      })
    }
    const desk = await this.#modules.desk()
    const place = placeOf(desk)
    const header = this.#modules.request.headers[PAYMENT_HEADER]
    if (typeof header !== 'string' || header === '') {
      // Whoever names its channel is told how it stands, so that its voucher is for no more than needed.
      const named = this.#modules.request.headers['shoal-channel']
      const channel = typeof named === 'string' ? channelOf(desk.ledger.account(named)) : null
      throw this.#required(desk, { amount: wanted, error: 'payment_required', channel })
    }
    let brought: BroughtPayment | null = null
    try {
      brought = readPayment(header, place)
      if (brought.scheme === VOUCHER_SCHEME) {
        const { account, transaction } = await desk.payByVoucher(brought.payment, wanted)
        const reservation = account.reserve(wanted, { isPrepaid: true, signal: options.signal })
        return this.#told(place, { account, transaction, reservation, paid: wanted })
      }
      const { account, transaction } = await desk.pay(brought.payment, wanted)
      const reservation = account.reserve(wanted, { isPrepaid: true, signal: options.signal })
      const paid = brought.payment.authorization.value
      return this.#told(place, { account, transaction, reservation, paid })
    } catch (error) {
      if (!isShoalError(error, 'PAYMENT_REQUIRED')) throw error
      const id = brought?.scheme === VOUCHER_SCHEME ? brought.payment.channelId : null
      const channel = id === null ? null : channelOf(desk.ledger.account(id))
      const reason = error.details.reason
      const told = {
        amount: wanted,
        error: typeof reason === 'string' ? reason : 'payment_refused',
        channel,
      }
      throw this.#required(desk, told, error)
    }
  }

  /** Says what came of the payment in the head of the answer, and once more, with what is left, where that is still open. */
  #told(
    place: PaymentPlace,
    settled: { account: CreditAccount; transaction: string | null; reservation: Reservation; paid: bigint },
  ): Reservation {
    const { account, transaction, reservation, paid } = settled
    const { payer } = account.row
    const tell = (used: bigint | null) => {
      const { reply } = this.#modules
      if (reply.sent || reply.raw.headersSent) return
      const channel = channelOf(account)
      const extra = {
        ...(used === null ? {} : { used: used.toString() }),
        ...(channel === null ? { credit: account.available.toString() } : { channel: channelJson(channel) }),
      }
      void reply.header(
        RESPONSE_HEADER,
        paymentResponseHeader(place, { payer, transaction, amount: paid, extra }),
      )
      if (used !== null) void reply.header('shoal-credit', formatCredits(account.available))
    }
    tell(null)
    let statement: PaymentStatement | null = null
    return {
      limit: reservation.limit,
      spent: total => reservation.spent(total),
      settle: async total => {
        await reservation.settle(total)
        tell(total)
        const kept = { used: formatCredits(total), credit: formatCredits(account.available) }
        statement ??= { paid: formatCredits(paid), ...kept }
      },
      statement: () => statement,
    }
  }

  #required(
    desk: PaymentDesk,
    offer: { amount: bigint; error: string; channel: VoucherChannel | null },
    cause?: GatewayError | Error,
  ): GatewayError {
    const { request } = this.#modules
    const url = `${request.protocol}://${request.host}${request.url}`
    // A wallet that says who it is need not pay again as long as its credit does: its signature is enough.
    const named = request.headers['shoal-wallet']
    const credit = typeof named === 'string' ? desk.creditOf(named.toLowerCase()) : 0n
    const exact = credit >= offer.amount ? 0n : maxAmount(offer.amount, desk.minRefund)
    const required = paymentRequiredHeader(placeOf(desk), { ...offer, exact, url })
    const message = cause?.message ?? `this request costs up to ${formatCredits(offer.amount)} credits`
    return new GatewayError('PAYMENT_REQUIRED', message, {
      headers: { [REQUIRED_HEADER]: required, 'cache-control': 'no-store' },
      fix: 'Pay as the header PAYMENT-REQUIRED says (x402), send an API key, or sign in with a wallet.',
      details: { reason: offer.error, amount: formatCredits(offer.amount) },
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

/** How the node is paid. */
export function placeOf(desk: PaymentDesk): PaymentPlace {
  return {
    ...desk.domain,
    payee: desk.payee,
    closeDelaySeconds: Math.round(desk.closeDelayMs / 1_000),
    minDeposit: desk.minDeposit,
  }
}

function channelOf(account: CreditAccount | null): VoucherChannel | null {
  if (account === null || account.row.kind !== 'channel') return null
  const { id: channelId, ceiling: deposit, covered, consumed } = account.row
  return { channelId, deposit, covered, consumed, reserved: account.reserved }
}
