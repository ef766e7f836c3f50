import {
  CREDIT_TOKEN_DOMAIN_NAME,
  CREDIT_TOKEN_DOMAIN_VERSION,
  channelAuthorizationNonce,
  RECEIVE_AUTHORIZATION_TYPES,
} from './authorizations.ts'
import type { Address, Bytes32, ChannelId } from './ids.ts'
import { maxAmount, minAmount } from './money.ts'
import {
  channelIdOf,
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  VOUCHER_TYPES,
} from './typed-data.ts'
import {
  VOUCHER_SCHEME,
  type VoucherChannel,
  voucherChannelSchema,
  voucherOfferSchema,
} from './voucher-payment.ts'

/** A key or a wallet that signs EIP-712, as viem's accounts and x402's signers do. */
export interface TypedDataSigner {
  readonly address: string
  signTypedData(request: {
    domain: Record<string, unknown>
    types: Record<string, { name: string; type: string }[]>
    primaryType: string
    message: Record<string, unknown>
  }): Promise<string>
}

/** What is asked for one request, as x402 has it. */
export interface Requirements {
  scheme: string
  network: string
  asset: string
  amount: string
  payTo: string
  maxTimeoutSeconds: number
  extra: Record<string, unknown>
}

/** A channel of ours, as it is kept. Amounts in base units, as decimal strings. */
export interface KeptChannel {
  channelId: ChannelId
  chainId: number
  settlement: Address
  creditToken: Address
  payee: Address
  salt: Bytes32
  /** Seconds since the Unix epoch. */
  expiresAt: number
  deposit: string
  /** The best voucher signed so far. */
  signed: string
  /** The most that can have been used of it. */
  used: string
  /** The payer's signature that opens it; null once the node has said that it is open. */
  opening: { validAfter: number; validBefore: number; signature: string } | null
}

/** Where channels are kept. Losing one costs no money: what is left comes back when it is closed. */
export interface ChannelKeeper {
  get(payee: string): Promise<KeptChannel | null>
  set(payee: string, channel: KeptChannel): Promise<void>
}

export interface VoucherSchemeOptions {
  /** Base units put into a new channel: the most that is at stake. */
  deposit: bigint
  /** The most that one request may cost, base units; none is paid that could cost more. */
  maxPayment: bigint
  /** How long a channel lives. Default a week. */
  lifetimeMs?: number
}

export interface VoucherSchemeModules {
  /** Whose credits; signs once for each channel. */
  payer: TypedDataSigner
  /** Signs vouchers, for every request. Default the payer. */
  session?: TypedDataSigner
  keeper?: ChannelKeeper
  nowMs: () => number
  /** 32 random bytes as `0x…`. */
  randomSalt: () => Bytes32
}

const WEEK_MS = 7 * 86_400_000
/** A channel is not used in the last part of its life, since the node will not take it. */
const MIN_REMAINING_MS = 3_600_000
/** An opening counts so long. */
const OPENING_VALID_S = 3_600

/**
 * Pays a node's requests from a channel, in the published x402 client: `client.register('eip155:*', new VoucherScheme(…))`.
 * One signature of the payer opens a channel; after that each request is paid by a voucher that covers the most it can
 * cost. What it did not cost pays for the next one.
 */
export class VoucherScheme {
  readonly scheme = VOUCHER_SCHEME
  readonly schemeHooks = { onPaymentResponse: (context: ResponseContext) => this.#onResponse(context) }
  readonly #options: VoucherSchemeOptions
  readonly #modules: VoucherSchemeModules
  readonly #keeper: ChannelKeeper
  /** One payment is made after the other: two at once would sign for the same credits. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: VoucherSchemeOptions, modules: VoucherSchemeModules) {
    this.#options = options
    this.#modules = modules
    this.#keeper = modules.keeper ?? new MemoryKeeper()
  }

  /**
   * The payment for one request.
   * @throws {Error} when it could cost more than `maxPayment`, or more than a channel holds
   */
  createPaymentPayload(
    x402Version: number,
    requirements: Requirements,
  ): Promise<{ x402Version: number; payload: Record<string, unknown> }> {
    return this.#inTurn(async () => ({ x402Version, payload: await this.#payload(requirements) }))
  }

  /** The channel to a payee, to be named in `shoal-channel` so that the node says how it stands; null without one. */
  async channelTo(network: string, payee: string): Promise<ChannelId | null> {
    return (await this.#keeper.get(keyOf(network, payee)))?.channelId ?? null
  }

  /** A voucher for closing the channel to a payee at `finalAmount`, for `POST /api/payment/close`; null without one. */
  async closing(
    network: string,
    payee: string,
    finalAmount: bigint,
  ): Promise<{ channelId: ChannelId; cumulativeAmount: bigint; signature: string } | null> {
    const channel = await this.#keeper.get(keyOf(network, payee))
    if (channel === null) return null
    // More than was signed for, the node cannot have a claim to.
    const cumulativeAmount = minAmount(finalAmount, BigInt(channel.signed))
    const signature = await this.#signVoucher(channel, cumulativeAmount)
    return { channelId: channel.channelId, cumulativeAmount, signature }
  }

  async #payload(requirements: Requirements): Promise<Record<string, unknown>> {
    const { network, payTo } = requirements
    const amount = BigInt(requirements.amount)
    if (amount > this.#options.maxPayment) throw new Error('the request could cost more than may be paid')
    const offer = voucherOfferSchema.parse(requirements.extra)
    const key = keyOf(network, payTo)
    let channel = await this.#keeper.get(key)
    if (channel !== null && offer.channel !== undefined) channel = told(channel, offer.channel)
    let target = channel === null ? amount : targetOf(channel, amount)
    if (channel === null || target > BigInt(channel.deposit) || this.#isEnding(channel)) {
      if (amount > this.#options.deposit) throw new Error('the request could cost more than a channel holds')
      channel = await this.#newChannel(requirements, offer)
      target = amount
    }
    const { channelId, opening } = channel
    const used = String(BigInt(channel.used) + amount)
    const next = { ...channel, signed: target.toString(), used }
    // Written down before the signature leaves.
    await this.#keeper.set(key, next)
    const signature = await this.#signVoucher(channel, target)
    return {
      channelId,
      cumulativeAmount: target.toString(),
      signature,
      ...(opening === null ? {} : { opening: this.#openingOf(channel, opening) }),
    }
  }

  #openingOf(channel: KeptChannel, authorization: NonNullable<KeptChannel['opening']>) {
    const { payee, salt, expiresAt, deposit } = channel
    const { payer, session = payer } = this.#modules
    return {
      payer: payer.address.toLowerCase(),
      payee,
      signer: session.address.toLowerCase(),
      salt,
      expiresAt,
      amount: deposit,
      authorization,
    }
  }

  async #newChannel(
    { network, asset, payTo }: Requirements,
    offer: { settlement: Address; closeDelaySeconds: number; minDeposit: bigint },
  ): Promise<KeptChannel> {
    const { payer, session = payer, nowMs, randomSalt } = this.#modules
    const chainId = chainIdOf(network)
    const settlement = offer.settlement
    const creditToken = asset.toLowerCase()
    const payee = payTo.toLowerCase()
    const salt = randomSalt()
    const nowS = Math.floor(nowMs() / 1_000)
    const lifetimeS = Math.ceil((this.#options.lifetimeMs ?? WEEK_MS) / 1_000)
    const expiresAt = nowS + Math.max(lifetimeS, 2 * offer.closeDelaySeconds + MIN_REMAINING_MS / 1_000)
    const deposit = maxAmount(this.#options.deposit, offer.minDeposit)
    if (deposit > this.#options.deposit) throw new Error('the node takes no channel that is so small')
    const signer = session.address.toLowerCase()
    const [validAfter, validBefore] = [0, nowS + OPENING_VALID_S]
    const nonce = channelAuthorizationNonce({ payee, signer, salt, expiresAt: BigInt(expiresAt) })
    const signature = await payer.signTypedData({
      domain: {
        name: CREDIT_TOKEN_DOMAIN_NAME,
        version: CREDIT_TOKEN_DOMAIN_VERSION,
        chainId,
        verifyingContract: creditToken,
      },
      types: RECEIVE_AUTHORIZATION_TYPES,
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: payer.address,
        to: settlement,
        value: deposit,
        validAfter: BigInt(validAfter),
        validBefore: BigInt(validBefore),
        nonce,
      },
    })
    return {
      channelId: channelIdOf({ chainId, settlement }, payer.address.toLowerCase(), payee, salt),
      ...{ chainId, settlement, creditToken, payee, salt, expiresAt },
      deposit: deposit.toString(),
      signed: '0',
      used: '0',
      opening: { validAfter, validBefore, signature },
    }
  }

  #signVoucher(channel: KeptChannel, cumulativeAmount: bigint): Promise<string> {
    const { payer, session = payer } = this.#modules
    return session.signTypedData({
      domain: {
        name: SETTLEMENT_DOMAIN_NAME,
        version: SETTLEMENT_DOMAIN_VERSION,
        chainId: channel.chainId,
        verifyingContract: channel.settlement,
      },
      types: VOUCHER_TYPES,
      primaryType: 'Voucher',
      message: { channelId: channel.channelId, cumulativeAmount },
    })
  }

  #isEnding(channel: KeptChannel): boolean {
    return channel.expiresAt * 1_000 < this.#modules.nowMs() + MIN_REMAINING_MS
  }

  /** Learns how the channel stands from what the node answers. @returns whether the request is to be sent again */
  #onResponse({
    requirements,
    settleResponse,
    paymentRequired,
  }: ResponseContext): Promise<{ recovered: true } | undefined> {
    return this.#inTurn(async () => {
      if (requirements.scheme !== VOUCHER_SCHEME) return undefined
      const key = keyOf(requirements.network, requirements.payTo)
      const channel = await this.#keeper.get(key)
      if (channel === null) return undefined
      const offered = paymentRequired?.accepts.find(({ scheme }) => scheme === VOUCHER_SCHEME)
      const state = voucherChannelSchema.safeParse((settleResponse?.extra ?? offered?.extra)?.channel).data
      if (state === undefined || state.channelId !== channel.channelId) return undefined
      const known = told(channel, state)
      await this.#keeper.set(key, known)
      // Refused although we knew less of what has been used: what we know now may do.
      return settleResponse === undefined && known.used !== channel.used ? { recovered: true } : undefined
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}

/** What x402's client tells of an answer; as much of it as is used. */
interface ResponseContext {
  requirements: { scheme: string; network: string; payTo: string }
  settleResponse?: { extra?: Record<string, unknown> }
  paymentRequired?: { accepts: { scheme: string; extra: Record<string, unknown> }[] }
}

/** Keeps channels as long as the program runs. */
class MemoryKeeper implements ChannelKeeper {
  readonly #channels = new Map<string, KeptChannel>()

  async get(payee: string): Promise<KeptChannel | null> {
    return this.#channels.get(payee) ?? null
  }

  async set(payee: string, channel: KeptChannel): Promise<void> {
    this.#channels.set(payee, channel)
  }
}

/** What a voucher must be for: it covers what was used and one more request, and is better than the last. */
function targetOf({ signed, used }: KeptChannel, amount: bigint): bigint {
  return maxAmount(BigInt(signed) + 1n, BigInt(used) + amount)
}

/** The node can have used no more than was signed for, whatever it says. */
function told(channel: KeptChannel, { channelId, consumed, reserved }: VoucherChannel): KeptChannel {
  if (channelId !== channel.channelId) return channel
  const used = minAmount(consumed + reserved, BigInt(channel.signed)).toString()
  return { ...channel, used, opening: null }
}

function keyOf(network: string, payee: string): string {
  return `${network}:${payee.toLowerCase()}`
}

/** Of a CAIP-2 name. */
function chainIdOf(network: string): number {
  const chainId = Number(/^eip155:(\d{1,15})$/.exec(network)?.[1])
  if (!Number.isSafeInteger(chainId)) throw new Error('not an EVM chain')
  return chainId
}
