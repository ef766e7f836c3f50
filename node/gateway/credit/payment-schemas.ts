import { z } from 'zod'
import { ADDRESS_PATTERN, BYTES32_PATTERN } from '../../../protocol/ids.ts'
import { parseCredits } from '../../../protocol/money.ts'
import { channelOpeningSchema } from '../../../protocol/voucher-payment.ts'

/**
 * What the routes about payments take and answer. Amounts are decimal credits.
 *
 * | route | needs | does |
 * | --- | --- | --- |
 * | GET /api/payment | - | how this node is paid |
 * | GET /api/payment/channels | spend | channels of the wallet that is signed in, and its credit |
 * | GET /api/payment/channels/:channelId | - | what a channel to this node holds |
 * | POST /api/payment/open | - | sends the opening of a channel that its payer has signed, and pays the gas |
 * | POST /api/payment/vouchers | - | takes a voucher, by its signature |
 * | POST /api/payment/close | - | closes a channel at once, by agreement; the node pays the gas |
 * | POST /api/payment/refund | - | sends a wallet what is left of its payments ahead |
 */

const amountIn = z
  .string()
  .max(40)
  .transform((text, context) => {
    try {
      return parseCredits(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'not an amount of credits' })
      return z.NEVER
    }
  })
const amount = z.string().describe('Decimal credits.')
const address = z.string().max(42).toLowerCase().regex(ADDRESS_PATTERN)
const bytes32 = z.string().max(66).toLowerCase().regex(BYTES32_PATTERN)
const timestamp = z.iso.datetime()

export const termsView = z.object({
  chainId: z.int(),
  settlement: z.string(),
  creditToken: z.string(),
  payee: z.string().describe("The node's wallet: payee of channels and payments."),
  closeDelaySeconds: z.int(),
  minDeposit: amount.describe('The smallest channel that the node opens for others.'),
  minRefund: amount.describe('The least that is sent back of payments ahead.'),
  creditWindow: amount.describe('What a channel may owe while an answer streams.'),
  markup: z.number().describe('What is paid here beyond what providers ask, as a share of it.'),
})

export const channelView = z.object({
  channelId: z.string(),
  payer: z.string(),
  signer: z.string(),
  state: z.enum(['open', 'closing', 'closed']),
  deposit: amount,
  cumulativeAmount: amount.describe('Of the best voucher.'),
  consumed: amount.describe('What requests that have ended have cost since the opening.'),
  reserved: amount.describe('Set aside for requests that run.'),
  claimed: amount.describe('Paid out on chain.'),
  finalAmount: amount.describe('What a voucher for closing must be for.'),
  expiresAt: timestamp,
  closesAt: z.nullable(timestamp),
})
export type ChannelView = z.output<typeof channelView>

export const payerView = z.object({
  channels: z.array(channelView),
  credit: amount.describe('Paid ahead by x402 and not used.'),
})

export const channelParams = z.object({ channelId: bytes32 })

export const openBody = channelOpeningSchema.extend({ amount: amountIn })
export const openedView = z.object({
  channelId: z.string(),
  transaction: z.nullable(z.string()).describe('Null where it was open already.'),
})

export const voucherBody = z.object({
  channelId: bytes32,
  cumulativeAmount: amountIn,
  signature: z
    .string()
    .max(132)
    .toLowerCase()
    .regex(/^0x[0-9a-f]{130}$/),
})
export const closedView = z.object({ transaction: z.string() })

export const refundBody = z.object({ wallet: address })
export const refundView = z.object({ amount, transaction: z.string() })
