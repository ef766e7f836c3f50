import type { Address, Bytes32, ChannelId } from '../../../protocol/ids.ts'
import type { SignedVoucher } from '../../../protocol/messages/task-request.ts'
import { formatCredits, maxAmount, minAmount } from '../../../protocol/money.ts'
import { channelIdOf, type SettlementDomain } from '../../../protocol/typed-data.ts'
import type { ExactPayment, VoucherPayment } from '../../../protocol/voucher-payment.ts'
import type { ChainClient } from '../../chain/client.ts'
import type { Publisher } from '../../chain/publisher.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { signCloseOffer } from '../../payments/close-offer.ts'
import { PaymentRefusal } from '../../payments/errors.ts'
import type { PayeeChannel, PayeeChannels } from '../../payments/payee-channels.ts'
import type { Wallet } from '../../payments/wallet.ts'
import type { Store } from '../../store/store.ts'
import { RateLimits } from '../accounts/rate-limits.ts'
import { GatewayError } from '../http/http-error.ts'
import type { CreditAccount } from './credit-account.ts'
import { CreditLedger, type PaymentRow } from './credit-ledger.ts'
import { Relay, type SignedOpening } from './relay.ts'

export interface PaymentDeskOptions {
  /** The smallest channel that is opened for others, base units. */
  minDeposit: bigint
  confirmations: number
}

export interface PaymentDeskModules {
  client: ChainClient
  publisher: Publisher
  payee: PayeeChannels
  wallet: Wallet
  store: Store
  clock: Clock
  log: Logger
  /** Base units that a channel may owe at any time. */
  window: () => bigint
}

/** A channel as its payer is told of it. Base units. */
export interface ChannelState {
  channelId: ChannelId
  payer: Address
  signer: Address
  state: 'open' | 'closing' | 'closed'
  deposit: bigint
  covered: bigint
  consumed: bigint
  reserved: bigint
  claimed: bigint
  /** What a voucher for closing by agreement must be for. */
  finalAmount: bigint
  expiresAtMs: number
  closesAtMs: number | null
}

const CHECK_EVERY_MS = 60_000
/** An offer to close stands so long: until the transaction is in a block. */
const CLOSE_OFFER_MS = 3_600_000
/** A payment must count for so much longer, to be collected in time. */
const MIN_VALIDITY_MS = 10_000
/** A channel lives at most so long: what is locked should come back in a person's time. */
const MAX_LIFETIME_MS = 366 * 86_400_000
/** Channels that nobody has heard of cost a question to the chain each. */
const LOOKUPS_PER_MINUTE = 300
/** Channels that are opened for others, all of them together: each costs gas. */
const OPENINGS_PER_MINUTE = 60
/** A signature that only says who asks is kept so long, so that it counts once. */
const MAX_PASS_MS = 3_600_000

/** Everything about payments of others that needs the chain: channels that pay here, payments ahead, and what goes back. */
export class PaymentDesk {
  readonly ledger: CreditLedger
  readonly #options: PaymentDeskOptions
  readonly #modules: PaymentDeskModules
  readonly #domain: SettlementDomain
  readonly #relay: Relay
  /** Openings on their way, by channel. */
  readonly #opening = new Map<ChannelId, Promise<Bytes32 | null>>()
  readonly #rates: RateLimits
  #closeDelayMs = 0
  #timer: Timer | null = null

  constructor(options: PaymentDeskOptions, modules: PaymentDeskModules) {
    this.#options = options
    this.#modules = modules
    const { client, publisher, store, clock, window } = modules
    this.#domain = { chainId: client.chainId, settlement: client.addresses.settlement }
    this.ledger = new CreditLedger({ domain: this.#domain }, { store, clock, window })
    this.#relay = new Relay({ client, publisher })
    this.#rates = new RateLimits({ clock })
  }

  /** Loads the books and goes on with payments and refunds a former run began. */
  async start(): Promise<void> {
    const { clock, log, client } = this.#modules
    this.#closeDelayMs = await client.closeDelayMs()
    await this.ledger.start()
    for (const { row } of this.ledger.channels()) await this.#keep(row.id)
    for (const payment of await this.ledger.unfinishedPayments()) {
      this.#collected(payment).catch(error => log.warn({ err: error }, 'a payment was not collected'))
    }
    for (const account of this.ledger.wallets()) {
      if (account.row.pendingRefund === null) continue
      this.#sendRefund(account).catch(error => log.warn({ err: error }, 'credit was not sent back'))
    }
    await this.#retireClosed()
    this.#timer = repeat(clock, CHECK_EVERY_MS, async () => {
      try {
        await this.#retireClosed()
        await this.ledger.prune()
      } catch (error) {
        log.warn({ err: error }, 'looking after payments failed; it is tried again')
      }
    })
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
  }

  get payee(): Address {
    return this.#modules.wallet.address
  }

  get domain(): SettlementDomain & { creditToken: Address } {
    return { ...this.#domain, creditToken: this.#modules.client.addresses.creditToken }
  }

  get minDeposit(): bigint {
    return this.#options.minDeposit
  }

  /** The least that is collected, or sent back: it must be worth its gas. */
  get minRefund(): bigint {
    return maxAmount(1n, this.#options.minDeposit / 10n)
  }

  get closeDelayMs(): number {
    return this.#closeDelayMs
  }

  /** What requests on a channel may owe, base units. */
  get window(): bigint {
    return this.#modules.window()
  }

  /**
   * A channel that pays here, or one to this node that could.
   * @throws {GatewayError} NOT_FOUND
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async channel(channelId: ChannelId): Promise<ChannelState> {
    const row = await this.#find(channelId)
    return stateOf(row, this.ledger.account(channelId))
  }

  /** All channels of a payer to this node, and its credit from payments ahead. */
  ofPayer(payer: Address): { channels: ChannelState[]; credit: bigint } {
    const channels = this.#modules.payee
      .list()
      .filter(row => row.payer === payer && row.state !== 'closed')
      .map(row => stateOf(row, this.ledger.account(row.channelId)))
    return { channels, credit: this.ledger.account(payer)?.available ?? 0n }
  }

  /**
   * Opens a channel that its payer has signed for; the node pays the gas. One that is open already is left as it is.
   * @returns the transaction; null when it was open
   * @throws {GatewayError} REQUEST_INVALID, GATEWAY_BUSY
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async open(opening: SignedOpening): Promise<{ channelId: ChannelId; transaction: Bytes32 | null }> {
    this.#checkOpening(opening)
    const { payer, payee, salt } = opening
    const channelId = channelIdOf(this.#domain, payer, payee, salt)
    if (this.ledger.account(channelId) === null && !this.#opening.has(channelId))
      this.#limit('openings', OPENINGS_PER_MINUTE, 'too many channels are being opened')
    const begun =
      this.#opening.get(channelId) ??
      this.#open(channelId, opening).finally(() => this.#opening.delete(channelId))
    this.#opening.set(channelId, begun)
    return { channelId, transaction: await begun }
  }

  /**
   * Makes a channel pay here.
   * @param payer who says that it is theirs, and has proven who they are
   * @throws {GatewayError} NOT_FOUND, PAYMENT_REQUIRED when it ends too soon or pays for something else
   */
  async adopt(channelId: ChannelId, payer: Address | null): Promise<CreditAccount> {
    const { payee } = this.#modules
    const row = await this.#find(channelId)
    if (payer !== null && row.payer !== payer) throw unknownChannel()
    await theirs(payee.dedicate(channelId))
    return this.ledger.adopt(row)
  }

  /**
   * Takes a voucher. Whoever shows one that the channel's key has signed may make the channel pay here.
   * @throws {GatewayError} NOT_FOUND, REQUEST_INVALID
   */
  async takeVoucher(channelId: ChannelId, voucher: SignedVoucher): Promise<ChannelState> {
    await this.#take(channelId, voucher)
    return this.channel(channelId)
  }

  /** @returns whether it is better than all before */
  async #take(channelId: ChannelId, voucher: SignedVoucher): Promise<boolean> {
    const row = await this.#find(channelId)
    const known = this.ledger.account(channelId)
    if (voucher.cumulativeAmount > (known?.row.ceiling ?? row.deposit)) await this.#lookForTopUp(channelId)
    if (known === null) {
      this.ledger.checkVoucher({ id: channelId, signer: row.signer, ceiling: row.deposit }, voucher)
      // Nobody else can have one that is better than what the chain has seen.
      if (voucher.cumulativeAmount <= row.claimed) throw stale()
      await this.adopt(channelId, null)
    }
    const isBetter = await this.ledger.takeVoucher(channelId, voucher)
    await this.#keep(channelId)
    return isBetter
  }

  /**
   * Closes a channel at once: the payer takes back what it did not use.
   * @param voucher for exactly `finalAmount` of the channel's state
   * @throws {GatewayError} NOT_FOUND, CONFLICT when requests run or the amount is another one, REQUEST_INVALID
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async close(channelId: ChannelId, voucher: SignedVoucher): Promise<Bytes32> {
    const { clock, payee, wallet } = this.#modules
    const account = this.ledger.account(channelId) ?? (await this.#adoptForClose(channelId, voucher))
    account.close()
    try {
      const { finalAmount, state } = stateOf(await theirs(payee.refresh(channelId)), account)
      if (state === 'closed') {
        throw new GatewayError('CONFLICT', 'the channel is closed', { fix: 'Withdraw what came back.' })
      }
      if (voucher.cumulativeAmount !== finalAmount) {
        throw new GatewayError('CONFLICT', `the channel ends at ${formatCredits(finalAmount)} credits`, {
          fix: 'Sign a voucher for exactly so much.',
          details: { finalAmount: formatCredits(finalAmount) },
        })
      }
      this.ledger.checkVoucher(account.row, voucher)
      const deadline = Math.floor((clock.nowMs() + CLOSE_OFFER_MS) / 1_000)
      const offer = { channelId, finalAmount, deadline }
      const payeeSignature = await signCloseOffer(wallet, this.#domain, offer)
      return await this.#relay.close(channelId, {
        ...offer,
        payeeSignature,
        voucherSignature: voucher.signature,
      })
    } catch (error) {
      account.reopen()
      throw error
    }
  }

  /**
   * Takes a payment ahead: collects it, and counts it as the payer's credit. One of nothing says only whose credit pays.
   * @param needed base units that the credit must come to
   * @throws {GatewayError} PAYMENT_REQUIRED with why it is not taken
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async pay(
    { authorization, signature }: ExactPayment,
    needed: bigint,
  ): Promise<{ account: CreditAccount; transaction: Bytes32 | null }> {
    const { from: payer, to, value, validAfter, validBefore, nonce } = authorization
    const nowMs = this.#modules.clock.nowMs()
    if (to !== this.payee) throw notTaken('recipient_mismatch', 'the payment is to somebody else')
    const credit = this.creditOf(payer)
    if (value + credit < needed)
      throw notTaken('authorization_value', 'the payment is less than the request can cost')
    if (value !== 0n && value < this.minRefund)
      throw notTaken('authorization_value', 'the payment is too small to be collected')
    if (validBefore * 1_000n < BigInt(nowMs + MIN_VALIDITY_MS))
      throw notTaken('authorization_valid_before', 'the payment has expired, or is about to')
    if (validAfter * 1_000n > BigInt(nowMs))
      throw notTaken('authorization_valid_after', 'the payment does not count yet')
    const terms = { payer, payee: to, value, validAfter, validBefore, nonce, signature }
    const data = Relay.collecting(terms)
    const validBeforeMs = Number(minAmount(validBefore * 1_000n, BigInt(Number.MAX_SAFE_INTEGER)))
    const payment = { payer, nonce, value, validBeforeMs, data }
    if (value === 0n) return this.#pass(payment)
    const found = await this.#check(payment)
    if (!(await this.ledger.beginPayment(payment))) throw replayed()
    if (found !== null)
      return { account: await this.ledger.paymentCollected(payment, found), transaction: found }
    const collected = await this.#collected(payment)
    if (collected === null) throw notTaken('transaction_failed', 'the payment could not be collected')
    return collected
  }

  /**
   * Takes a payment from a channel: opens it where it brings its opening, and takes its voucher.
   * @param needed base units that must be covered and free
   * @throws {GatewayError} PAYMENT_REQUIRED with why it is not taken, REQUEST_INVALID, GATEWAY_BUSY
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async payByVoucher(
    payment: VoucherPayment,
    needed: bigint,
  ): Promise<{ account: CreditAccount; transaction: Bytes32 | null }> {
    const { channelId, cumulativeAmount, signature, opening } = payment
    let transaction: Bytes32 | null = null
    if (opening !== undefined && this.ledger.account(channelId) === null) {
      if (channelIdOf(this.#domain, opening.payer, opening.payee, opening.salt) !== channelId)
        throw notTaken('channel_mismatch', 'the opening is of another channel')
      transaction = (await this.open(opening)).transaction
    }
    const voucher = { cumulativeAmount, signature }
    const known = this.ledger.account(channelId)
    if (known !== null) {
      await this.adopt(channelId, null)
      if (cumulativeAmount <= known.row.covered) throw replayed()
      const covering = cumulativeAmount - known.row.covered
      if (known.available + covering < needed)
        throw notTaken('voucher_amount', 'the voucher covers less than the request can cost')
    }
    // Only once: whoever saw it could use up what its owner has not.
    if (!(await this.#take(channelId, voucher))) throw replayed()
    return { account: this.ledger.account(channelId)!, transaction }
  }

  /**
   * Sends a wallet what is left of its payments ahead. Anyone may ask: it goes to the wallet itself.
   * @throws {GatewayError} CONFLICT while requests are paid from it, or when there is too little
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async refund(payer: Address): Promise<{ amount: bigint; transaction: Bytes32 }> {
    const account = this.ledger.account(payer)
    const begun = (await account?.beginRefund(this.minRefund)) ?? null
    if (account === null || begun === null) {
      throw new GatewayError('CONFLICT', `less than ${formatCredits(this.minRefund)} credits are left`, {
        fix: 'Use them up: they pay for requests that are paid by the same wallet.',
      })
    }
    const transaction = await this.#sendRefund(account)
    if (transaction !== null) return { amount: begun.amount, transaction }
    throw new GatewayError('GATEWAY_BUSY', 'the credits could not be sent; they are still yours', {
      fix: 'Try again later.',
    })
  }

  /** A wallet's credit, base units. */
  creditOf(wallet: string): bigint {
    const account = this.ledger.account(wallet)
    return account?.row.kind === 'wallet' ? account.available : 0n
  }

  /** @throws {GatewayError} PAYMENT_REQUIRED */
  async #pass(
    payment: Omit<PaymentRow, 'state' | 'transaction'>,
  ): Promise<{ account: CreditAccount; transaction: null }> {
    const { payer, validBeforeMs, data } = payment
    if (validBeforeMs > this.#modules.clock.nowMs() + MAX_PASS_MS)
      throw notTaken('authorization_valid_before', 'a signature that pays nothing counts for an hour at most')
    await this.#relay.checkPayment(data)
    if (!(await this.ledger.beginPayment(payment))) throw replayed()
    await this.ledger.paymentCollected(payment, null)
    return { account: this.ledger.wallet(payer), transaction: null }
  }

  /** @throws {GatewayError} REQUEST_INVALID */
  #checkOpening({ payee, amount, expiresAt }: SignedOpening): void {
    const nowMs = this.#modules.clock.nowMs()
    const invalid = (message: string, param: string, fix: string) =>
      new GatewayError('REQUEST_INVALID', message, { param, fix })
    if (payee !== this.payee) {
      throw invalid('the channel is to somebody else', 'payee', `Open it to ${this.payee}.`)
    }
    if (amount < this.#options.minDeposit) {
      const least = formatCredits(this.#options.minDeposit)
      throw invalid(
        `the channel holds less than ${least} credits`,
        'amount',
        'Put more in, or send it yourself.',
      )
    }
    if (expiresAt * 1_000 > nowMs + MAX_LIFETIME_MS)
      throw invalid('the channel lives too long', 'expiresAt', 'Let it end within a year.')
  }

  async #open(channelId: ChannelId, opening: SignedOpening): Promise<Bytes32 | null> {
    const onChain = await this.#modules.client.channel(channelId)
    let transaction: Bytes32 | null = null
    if (onChain === null) transaction = await this.#relay.open(channelId, opening)
    await this.adopt(channelId, opening.payer)
    return transaction
  }

  /** @throws {GatewayError} NOT_FOUND, RATE_LIMITED */
  async #find(channelId: ChannelId): Promise<PayeeChannel> {
    const { payee } = this.#modules
    if (!payee.knows(channelId))
      this.#limit('lookups', LOOKUPS_PER_MINUTE, 'too many unknown channels are asked for')
    return theirs(payee.find(channelId))
  }

  /** @throws {GatewayError} RATE_LIMITED */
  #limit(what: string, perMinute: number, message: string): void {
    const waitMs = this.#rates.take(what, perMinute)
    if (waitMs === 0) return
    throw new GatewayError('RATE_LIMITED', message, {
      headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
      fix: 'Wait a moment, or send the transaction from your own wallet.',
    })
  }

  /** The channel may pay here only for being closed. */
  async #adoptForClose(channelId: ChannelId, voucher: SignedVoucher): Promise<CreditAccount> {
    const row = await this.#find(channelId)
    this.ledger.checkVoucher({ id: channelId, signer: row.signer, ceiling: row.deposit }, voucher)
    return this.adopt(channelId, null)
  }

  /** Whoever locked more may sign for more. */
  async #lookForTopUp(channelId: ChannelId): Promise<void> {
    const { deposit } = await theirs(this.#modules.payee.refresh(channelId))
    await this.ledger.account(channelId)?.raiseCeiling(deposit)
  }

  /** Hands the best voucher to those that claim it in time. */
  async #keep(channelId: ChannelId): Promise<void> {
    const { covered, signature } = this.ledger.account(channelId)?.row ?? {}
    if (covered === undefined || signature === undefined || signature === null) return
    await theirs(this.#modules.payee.keep(channelId, { cumulativeAmount: covered, signature }))
  }

  /**
   * @returns the transaction by which it has come already, where somebody else submitted it
   * @throws {GatewayError} PAYMENT_REQUIRED
   */
  async #check(payment: {
    payer: Address
    nonce: Bytes32
    value: bigint
    data: string
  }): Promise<Bytes32 | null> {
    try {
      await this.#relay.checkPayment(payment.data)
      return null
    } catch (error) {
      const isSpent = error instanceof GatewayError && error.details.reason === 'AuthorizationSpent'
      const found = isSpent ? await this.#relay.findPayment(payment, this.payee) : null
      if (found === null) throw error
      return found
    }
  }

  async #collected(
    payment: Parameters<Relay['collect']>[0],
  ): Promise<{ account: CreditAccount; transaction: Bytes32 } | null> {
    const transaction = await this.#relay.collect(payment, this.payee)
    if (transaction === null) {
      await this.ledger.paymentFailed(payment)
      return null
    }
    return { account: await this.ledger.paymentCollected(payment, transaction), transaction }
  }

  async #sendRefund(account: CreditAccount): Promise<Bytes32 | null> {
    const { id, pendingRefund, refunds } = account.row
    if (pendingRefund === null) return null
    const sent = await this.#relay.refund(`x402-refund:${id}:${refunds}`, id, pendingRefund)
    await account.endRefund(sent !== null)
    return sent?.transaction ?? null
  }

  async #retireClosed(): Promise<void> {
    const rows = new Map(this.#modules.payee.list().map(row => [row.channelId, row]))
    for (const { row } of this.ledger.channels()) {
      const onChain = rows.get(row.id)
      if (onChain?.state === 'closed') await this.ledger.retire(row.id, onChain.claimed)
    }
  }
}

function stateOf(row: PayeeChannel, account: CreditAccount | null): ChannelState {
  const { channelId, payer, signer, state, deposit, claimed, expiresAtMs, closesAtMs } = row
  const consumed = account?.row.consumed ?? claimed
  const covered = account?.row.covered ?? row.cumulative
  return {
    ...{ channelId, payer, signer, state, deposit, claimed, expiresAtMs, closesAtMs, covered, consumed },
    reserved: account?.reserved ?? 0n,
    // What was served and never signed for cannot be claimed, and what was claimed cannot be given back by closing.
    finalAmount: maxAmount(claimed, minAmount(consumed, covered)),
  }
}

/** @throws {GatewayError} for what makes a channel unfit */
async function theirs<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof PaymentRefusal)) throw error
    if (error.code === 'channel_unknown') throw unknownChannel()
    throw new GatewayError('PAYMENT_REQUIRED', error.message, { fix: 'Open another channel.', cause: error })
  }
}

function unknownChannel(): GatewayError {
  return new GatewayError('NOT_FOUND', 'no such channel of yours pays this node', {
    fix: 'Open one: POST /api/payment/open.',
  })
}

function stale(): GatewayError {
  return new GatewayError('REQUEST_INVALID', 'the voucher has been claimed already', {
    param: 'cumulativeAmount',
    fix: 'Sign for more.',
  })
}

function replayed(): GatewayError {
  return notTaken('payment_replayed', 'the payment has been shown before')
}

/** @param reason for programs, in `details.reason` and x402's `error` */
function notTaken(reason: string, message: string): GatewayError {
  return new GatewayError('PAYMENT_REQUIRED', message, {
    fix: 'Sign a new payment for what the offer says.',
    details: { reason },
  })
}
