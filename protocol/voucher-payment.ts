import { z } from 'zod'
import { ADDRESS_PATTERN, BYTES32_PATTERN } from './ids.ts'
import { MAX_AMOUNT } from './limits.ts'

/**
 * The x402 scheme `shoal-voucher`: a request is paid up to an amount from a channel to the node, by a voucher that goes
 * with it; what the request does not cost pays for the next ones. A first payment may bring the opening of its channel.
 */
export const VOUCHER_SCHEME = 'shoal-voucher'

/** Base units as x402 writes them. */
const baseUnits = z
  .string()
  .max(39)
  .regex(/^(?:0|[1-9]\d*)$/)
  .transform(BigInt)
  .pipe(z.bigint().max(MAX_AMOUNT))
const seconds = z
  .int()
  .min(0)
  .max(2 ** 48 - 1)
const address = z.string().max(42).toLowerCase().regex(ADDRESS_PATTERN)
const bytes32 = z.string().max(66).toLowerCase().regex(BYTES32_PATTERN)
/** Of a key, or what a wallet that is a contract understands. */
const signature = z
  .string()
  .max(2_050)
  .toLowerCase()
  .regex(/^0x(?:[0-9a-f]{2}){1,1024}$/)

/** An EIP-3009 authorisation to Settlement, with what its nonce commits to. */
export const channelOpeningSchema = z.object({
  payer: address,
  payee: address,
  signer: address,
  salt: bytes32,
  /** Seconds since the Unix epoch. */
  expiresAt: seconds,
  authorization: z.object({ validAfter: seconds, validBefore: seconds, signature }),
})

export const voucherPaymentSchema = z.object({
  channelId: bytes32,
  cumulativeAmount: baseUnits,
  /** r, s, v of the channel's signer. */
  signature: z
    .string()
    .max(132)
    .toLowerCase()
    .regex(/^0x[0-9a-f]{130}$/),
  opening: channelOpeningSchema.extend({ amount: baseUnits }).optional(),
})

/** `payload` of a payment, as it is read. */
export type VoucherPayment = z.output<typeof voucherPaymentSchema>

/** What the node says of a channel, in base units; in `extra.channel` of its offers and in its answers. */
export const voucherChannelSchema = z.object({
  channelId: bytes32,
  deposit: baseUnits,
  /** The best voucher. */
  covered: baseUnits,
  /** What requests that have ended have cost since the opening. */
  consumed: baseUnits,
  /** Set aside for requests that run. */
  reserved: baseUnits,
})
export type VoucherChannel = z.output<typeof voucherChannelSchema>

/** `extra` of an offer. */
export const voucherOfferSchema = z.object({
  settlement: address,
  closeDelaySeconds: seconds,
  /** The smallest channel that the node opens, base units. */
  minDeposit: baseUnits,
  channel: voucherChannelSchema.optional(),
})

/** The payload of an `exact` payment by EIP-3009, as x402 has it. */
export const exactPaymentSchema = z.object({
  signature,
  authorization: z.object({
    from: address,
    to: address,
    value: baseUnits,
    validAfter: baseUnits,
    validBefore: baseUnits,
    nonce: bytes32,
  }),
})
export type ExactPayment = z.output<typeof exactPaymentSchema>
