import { z } from 'zod'
import {
  ADDRESS_PATTERN,
  type Address,
  BYTES32_PATTERN,
  type ChannelId,
} from '../../../../../protocol/ids.ts'
import { formatCredits, parseCredits } from '../../../../../protocol/money.ts'
import { WalletPageError } from './errors.ts'

/** How the page speaks to the node: adds what a session needs, and throws what the node refuses. */
export type NodeRequest = (
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  options?: { signal?: AbortSignal },
) => Promise<unknown>

const address = z.string().toLowerCase().regex(ADDRESS_PATTERN)
const credits = z.string().transform((text, context) => {
  try {
    return parseCredits(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'not an amount of credits' })
    return z.NEVER
  }
})

const termsSchema = z.object({
  chainId: z.int().min(1),
  settlement: address,
  creditToken: address,
  payee: address,
  closeDelaySeconds: z.int().min(0),
  minDeposit: credits,
  /** What a channel may owe while an answer streams. */
  creditWindow: credits,
  /** What is paid beyond what providers ask, as a share of it. */
  markup: z.number(),
})

/** How the node wants to be paid. Amounts in base units. */
export type PaymentTerms = z.output<typeof termsSchema>

const channelSchema = z.object({
  channelId: z.string().regex(BYTES32_PATTERN),
  consumed: credits,
  cumulativeAmount: credits,
  /** What a voucher for closing must be for. */
  finalAmount: credits,
})

/** What the node says of a channel; not believed beyond what this browser has signed. */
export type NodeChannelView = z.output<typeof channelSchema>

/** The person's EIP-3009 authorisation with what its nonce commits to. */
export interface OpenRequest {
  payer: Address
  payee: Address
  signer: Address
  salt: string
  expiresAt: number
  amount: bigint
  authorization: { validAfter: number; validBefore: number; signature: string }
}

const closeSchema = z.object({
  transaction: z.string().regex(BYTES32_PATTERN).nullable().optional(),
})

/** `/api/payment/*` of the node. */
export class PaymentClient {
  readonly #request: NodeRequest

  constructor(request: NodeRequest) {
    this.#request = request
  }

  async terms(): Promise<PaymentTerms> {
    return read(termsSchema, await this.#request('GET', '/api/payment'), 'how it wants to be paid')
  }

  /** Has the node send the opening and pay its gas. */
  async open(request: OpenRequest): Promise<void> {
    await this.#request('POST', '/api/payment/open', { ...request, amount: formatCredits(request.amount) })
  }

  async voucher(
    voucher: { channelId: ChannelId; cumulativeAmount: bigint; signature: string },
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    const body = { ...voucher, cumulativeAmount: formatCredits(voucher.cumulativeAmount) }
    await this.#request('POST', '/api/payment/vouchers', body, options)
  }

  async channel(channelId: ChannelId): Promise<NodeChannelView> {
    return read(
      channelSchema,
      await this.#request('GET', `/api/payment/channels/${channelId}`),
      'what a channel holds',
    )
  }

  /** Ends a channel by agreement: the node signs, too, sends it and pays the gas. */
  async close(voucher: { channelId: ChannelId; cumulativeAmount: bigint; signature: string }): Promise<void> {
    const body = { ...voucher, cumulativeAmount: formatCredits(voucher.cumulativeAmount) }
    read(closeSchema, await this.#request('POST', '/api/payment/close', body), 'how a channel was closed')
  }
}

function read<T>(schema: z.ZodType<T>, answer: unknown, what: string): T {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new WalletPageError('NODE_ANSWER_INVALID', `the node does not say as it should ${what}`, {
    fix: 'Page and node may be of different versions: load the page again.',
  })
}
