import {
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
} from '@x402/core/http'
import { parsePaymentPayload } from '@x402/core/schemas'
import type { Network, PaymentRequirements, SettleResponse } from '@x402/core/types'
import { CREDIT_TOKEN_DOMAIN_NAME, CREDIT_TOKEN_DOMAIN_VERSION } from '../../../protocol/authorizations.ts'
import type { Address } from '../../../protocol/ids.ts'
import {
  type ExactPayment,
  exactPaymentSchema,
  VOUCHER_SCHEME,
  type VoucherChannel,
  type VoucherPayment,
  voucherPaymentSchema,
} from '../../../protocol/voucher-payment.ts'
import { GatewayError } from '../http/http-error.ts'

/*
 * x402, version 2: what an unpaid request is answered, what a paid one brings, and what it is told of its payment.
 * https://github.com/x402-foundation/x402, specs/x402-specification-v2.md
 */

const EXACT_SCHEME = 'exact'
const VERSION = 2
/** A payment must count so long: until it is in a block. */
const MAX_TIMEOUT_SECONDS = 300
/** Longest header that is read, characters; with the opening of a channel it is about two thousand. */
const MAX_HEADER = 8_192

/** How this node is paid. Amounts in base units. */
export interface PaymentPlace {
  chainId: number
  creditToken: Address
  settlement: Address
  payee: Address
  closeDelaySeconds: number
  minDeposit: bigint
}

/** What is asked for one request. */
export interface PaymentOffer {
  /** Base units the request can cost at most. */
  amount: bigint
  /** What is asked for by `exact`: worth its gas, and nothing of a wallet whose credit is enough. */
  exact: bigint
  /** Of the request. */
  url: string
  /** Why it was not let through; for programs. */
  error: string
  /** The channel that the refused payment was from. */
  channel: VoucherChannel | null
}

export type BroughtPayment =
  | { scheme: 'exact'; payment: ExactPayment }
  | { scheme: typeof VOUCHER_SCHEME; payment: VoucherPayment }

/** What a refused request is told: `PAYMENT-REQUIRED`. */
export function paymentRequiredHeader(place: PaymentPlace, offer: PaymentOffer): string {
  return encodePaymentRequiredHeader({
    x402Version: VERSION,
    error: offer.error,
    resource: {
      url: offer.url,
      description: 'An answer of a model, paid for by what it costs up to the amount.',
      mimeType: 'application/json',
    },
    accepts: requirements(place, offer),
  })
}

function requirements(place: PaymentPlace, offer: PaymentOffer): PaymentRequirements[] {
  const { amount, exact, channel } = offer
  const terms = {
    network: networkOf(place),
    asset: place.creditToken,
    amount: amount.toString(),
    payTo: place.payee,
    maxTimeoutSeconds: MAX_TIMEOUT_SECONDS,
  }
  return [
    {
      ...terms,
      scheme: EXACT_SCHEME,
      amount: exact.toString(),
      extra: {
        name: CREDIT_TOKEN_DOMAIN_NAME,
        version: CREDIT_TOKEN_DOMAIN_VERSION,
        assetTransferMethod: 'eip3009',
      },
    },
    {
      ...terms,
      scheme: VOUCHER_SCHEME,
      extra: {
        settlement: place.settlement,
        closeDelaySeconds: place.closeDelaySeconds,
        minDeposit: place.minDeposit.toString(),
        ...(channel === null ? {} : { channel: channelJson(channel) }),
      },
    },
  ]
}

/** A channel as offers and answers tell it. */
export function channelJson({ channelId, deposit, covered, consumed, reserved }: VoucherChannel) {
  const text = (amount: bigint) => amount.toString()
  return {
    channelId,
    deposit: text(deposit),
    covered: text(covered),
    consumed: text(consumed),
    reserved: text(reserved),
  }
}

/**
 * Reads `PAYMENT-SIGNATURE`.
 * @throws {GatewayError} REQUEST_INVALID when it is none, PAYMENT_REQUIRED when it is for another chain, token or payee
 */
export function readPayment(header: string, place: PaymentPlace): BroughtPayment {
  if (header.length > MAX_HEADER) throw unreadable()
  const { accepted, payload } = parsed(header)
  const isOurs =
    accepted.network === networkOf(place) &&
    accepted.asset.toLowerCase() === place.creditToken &&
    accepted.payTo.toLowerCase() === place.payee
  if (!isOurs) {
    throw new GatewayError('PAYMENT_REQUIRED', 'the payment is for another chain, token or payee', {
      fix: 'Pay as the offer says.',
      details: { reason: 'requirements_mismatch' },
    })
  }
  if (accepted.scheme === EXACT_SCHEME) {
    const payment = exactPaymentSchema.safeParse(payload)
    if (!payment.success) throw unreadable()
    return { scheme: EXACT_SCHEME, payment: payment.data }
  }
  if (accepted.scheme === VOUCHER_SCHEME) {
    const payment = voucherPaymentSchema.safeParse(payload)
    if (!payment.success) throw unreadable()
    return { scheme: VOUCHER_SCHEME, payment: payment.data }
  }
  throw new GatewayError('PAYMENT_REQUIRED', 'this is not a way in which this node is paid', {
    fix: 'Pay as the offer says.',
    details: { reason: 'unsupported_scheme' },
  })
}

function parsed(header: string): { accepted: PaymentRequirements; payload: Record<string, unknown> } {
  try {
    const payment = parsePaymentPayload(decodePaymentSignatureHeader(header))
    if (!payment.success || payment.data.x402Version !== VERSION) throw unreadable()
    return payment.data as { accepted: PaymentRequirements; payload: Record<string, unknown> }
  } catch {
    throw unreadable()
  }
}

/** What a paid request is told of its payment: `PAYMENT-RESPONSE`. */
export function paymentResponseHeader(
  place: PaymentPlace,
  settled: { payer: Address; transaction: string | null; amount: bigint; extra: Record<string, unknown> },
): string {
  const response: SettleResponse = {
    success: true,
    payer: settled.payer,
    transaction: settled.transaction ?? '',
    network: networkOf(place),
    amount: settled.amount.toString(),
    extra: settled.extra,
  }
  return encodePaymentResponseHeader(response)
}

/** CAIP-2. */
function networkOf({ chainId }: PaymentPlace): Network {
  return `eip155:${chainId}`
}

function unreadable(): GatewayError {
  return new GatewayError('REQUEST_INVALID', 'the header PAYMENT-SIGNATURE cannot be read', {
    param: 'payment-signature',
    fix: 'Send base64 of the JSON that x402, version 2, asks for.',
  })
}
