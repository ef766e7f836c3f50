import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { Address, Bytes32, ChannelId } from '../../../protocol/ids.ts'
import type { SignedVoucher } from '../../../protocol/messages/task-request.ts'
import type { SettlementDomain } from '../../../protocol/typed-data.ts'
import type { Clock } from '../../clock.ts'
import { VoucherVerifier } from '../../payments/vouchers.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { GatewayError } from '../http/http-error.ts'
import { CreditAccount, type CreditRow, creditRowSchema } from './credit-account.ts'

/** A payment by EIP-3009, kept until it could not be shown again. */
const paymentSchema = z.strictObject({
  payer: wire.address,
  nonce: wire.bytes32,
  value: wire.amount,
  /** When the authorisation stops to count. */
  validBeforeMs: wire.timeMs,
  /** ABI-encoded call that collects it. */
  data: z.string().max(4_096),
  /** `collecting`: sent, or about to be. */
  state: z.enum(['collecting', 'collected', 'failed']),
  transaction: z.nullable(wire.bytes32),
})
export type PaymentRow = z.infer<typeof paymentSchema>

export interface CreditLedgerOptions {
  domain: SettlementDomain
  /** How long a payer that owes is waited for. Default 15 s. */
  paymentWaitMs?: number
}

export interface CreditLedgerModules {
  store: Store
  clock: Clock
  /** Base units that a channel may owe at any time. */
  window: () => bigint
}

/** What is known of a channel when it becomes one that pays here. */
export interface AdoptedChannel {
  channelId: ChannelId
  payer: Address
  signer: Address
  deposit: bigint
  /** Paid out so far: that is neither covered nor consumed here. */
  claimed: bigint
}

const PAYMENT_WAIT_MS = 15_000
const MAX_ACCOUNTS = 100_000

/**
 * Who has paid how much here, and for what it was used: channels that pay as answers stream, and wallets' credit from
 * payments ahead. Everything is on disk before it has an effect.
 */
export class CreditLedger {
  readonly #options: CreditLedgerOptions
  readonly #modules: CreditLedgerModules
  readonly #verifier: VoucherVerifier
  readonly #rows: Table<CreditRow>
  readonly #payments: Table<PaymentRow>
  readonly #accounts = new Map<string, CreditAccount>()
  /** Payments that are being taken in. */
  readonly #taking = new Set<string>()

  constructor(options: CreditLedgerOptions, modules: CreditLedgerModules) {
    this.#options = options
    this.#modules = modules
    this.#verifier = new VoucherVerifier(options.domain)
    this.#rows = modules.store.table('credit-accounts', creditRowSchema)
    this.#payments = modules.store.table('credit-payments', paymentSchema)
  }

  /** Loads all accounts; requests that a former run left have ended at what they had cost. */
  async start(): Promise<void> {
    const empty = []
    for await (const row of this.#rows.values()) {
      const { kind, covered, consumed, running, pendingRefund } = row
      const isEmpty = kind === 'wallet' && covered === consumed + running && pendingRefund === null
      if (isEmpty) empty.push(this.#rows.deleteOperation(row.id))
      else this.#add(row)
    }
    await this.#modules.store.batch(empty)
    await this.prune()
  }

  account(id: ChannelId | Address): CreditAccount | null {
    return this.#accounts.get(id) ?? null
  }

  /** All channels that pay here. */
  channels(): readonly CreditAccount[] {
    return [...this.#accounts.values()].filter(({ row }) => row.kind === 'channel')
  }

  /** Credits of all wallets that have paid ahead. */
  wallets(): readonly CreditAccount[] {
    return [...this.#accounts.values()].filter(({ row }) => row.kind === 'wallet')
  }

  /** Makes a channel one that pays here. Idempotent. @throws {GatewayError} GATEWAY_BUSY */
  async adopt(channel: AdoptedChannel): Promise<CreditAccount> {
    const known = this.#accounts.get(channel.channelId)
    if (known !== undefined) {
      await known.raiseCeiling(channel.deposit)
      return known
    }
    this.#requireRoom()
    const { channelId, payer, signer, deposit, claimed } = channel
    const account = this.#add({
      ...{ id: channelId, kind: 'channel', payer, signer, ceiling: deposit, signature: null },
      ...{ covered: claimed, consumed: claimed, running: 0n, refunds: 0, pendingRefund: null },
    })
    await this.#rows.put(channelId, account.row)
    return account
  }

  /** A wallet's credit, made when it has none. @throws {GatewayError} GATEWAY_BUSY */
  wallet(payer: Address): CreditAccount {
    const known = this.#accounts.get(payer)
    if (known !== undefined) return known
    this.#requireRoom()
    return this.#add({
      ...{ id: payer, kind: 'wallet', payer, signer: null, ceiling: 0n, signature: null },
      ...{ covered: 0n, consumed: 0n, running: 0n, refunds: 0, pendingRefund: null },
    })
  }

  /**
   * Takes a voucher of a channel's session key.
   * @returns whether it is better than all before; one that is not does no harm
   * @throws {GatewayError} NOT_FOUND, REQUEST_INVALID when it is not signed by the channel's key or for more than the
   *   channel holds
   */
  async takeVoucher(channelId: ChannelId, voucher: SignedVoucher): Promise<boolean> {
    const account = this.#accounts.get(channelId)
    if (account === undefined || account.row.kind !== 'channel') throw unknownChannel()
    this.checkVoucher(account.row, voucher)
    return await account.takeVoucher(voucher)
  }

  /** @throws {GatewayError} REQUEST_INVALID as `takeVoucher` */
  checkVoucher(channel: Pick<CreditRow, 'id' | 'signer' | 'ceiling'>, voucher: SignedVoucher): void {
    if (voucher.cumulativeAmount > channel.ceiling) {
      throw new GatewayError('REQUEST_INVALID', 'the voucher is for more than the channel holds', {
        param: 'cumulativeAmount',
        fix: 'Top the channel up, or open another one.',
      })
    }
    const { id: channelId, signer } = channel
    if (signer === null || !this.#verifier.isSignedBy(signer, { channelId, ...voucher })) {
      throw new GatewayError('REQUEST_INVALID', "the voucher is not signed by the channel's session key", {
        param: 'signature',
        fix: 'Sign channelId and cumulativeAmount as EIP-712 of Shoal Settlement with the key that the channel names.',
      })
    }
  }

  /**
   * Takes a payment down before it is collected, so that it is neither collected nor counted twice.
   * @returns false when it has been shown before
   */
  async beginPayment(payment: Omit<PaymentRow, 'state' | 'transaction'>): Promise<boolean> {
    const key = paymentKey(payment)
    if (this.#taking.has(key)) return false
    this.#taking.add(key)
    try {
      const earlier = await this.#payments.get(key)
      // What was never sent may be tried again.
      if (earlier !== undefined && earlier.state !== 'failed') return false
      await this.#payments.put(key, { ...payment, state: 'collecting', transaction: null })
      return true
    } finally {
      this.#taking.delete(key)
    }
  }

  /**
   * The payment has arrived: it is the payer's credit from now on. Idempotent.
   * @param transaction null for one of nothing
   */
  async paymentCollected(
    payment: Pick<PaymentRow, 'payer' | 'nonce'>,
    transaction: Bytes32 | null,
  ): Promise<CreditAccount> {
    const account = this.wallet(payment.payer)
    const key = paymentKey(payment)
    const row = await this.#payments.get(key)
    if (row === undefined || row.state !== 'collecting' || this.#taking.has(key)) return account
    this.#taking.add(key)
    try {
      const collected: PaymentRow = { ...row, state: 'collected', transaction }
      await account.takePayment(row.value, [this.#payments.putOperation(key, collected)])
      return account
    } finally {
      this.#taking.delete(key)
    }
  }

  /** The payment did not arrive and never counted. */
  async paymentFailed(payment: Pick<PaymentRow, 'payer' | 'nonce'>): Promise<void> {
    const key = paymentKey(payment)
    const row = await this.#payments.get(key)
    if (row?.state === 'collecting') await this.#payments.put(key, { ...row, state: 'failed' })
  }

  /** Payments whose fate a former run did not learn. */
  async unfinishedPayments(): Promise<PaymentRow[]> {
    const found: PaymentRow[] = []
    for await (const row of this.#payments.values()) if (row.state === 'collecting') found.push(row)
    return found
  }

  /**
   * A channel is closed for good. What was claimed on it and not used stays its payer's credit.
   * @param claimed all that the channel has paid, base units
   */
  async retire(channelId: ChannelId, claimed: bigint): Promise<void> {
    const account = this.#accounts.get(channelId)
    if (account === undefined || account.row.kind !== 'channel' || !account.isIdle) return
    const unused = claimed - account.row.consumed
    this.#accounts.delete(channelId)
    const gone = this.#rows.deleteOperation(channelId)
    if (unused > 0n) await this.wallet(account.row.payer).takePayment(unused, [gone])
    else await this.#modules.store.batch([gone])
  }

  /** Forgets payments that nobody could show again. */
  async prune(): Promise<void> {
    const nowMs = this.#modules.clock.nowMs()
    const gone = []
    for await (const [key, { state, validBeforeMs }] of this.#payments.entries())
      if (state !== 'collecting' && validBeforeMs + KEEP_PAYMENTS_MS < nowMs)
        gone.push(this.#payments.deleteOperation(key))
    await this.#modules.store.batch(gone)
  }

  #add(row: CreditRow): CreditAccount {
    const { store, clock, window } = this.#modules
    const { paymentWaitMs = PAYMENT_WAIT_MS } = this.#options
    const account = new CreditAccount(row, { table: this.#rows, store, clock, window, paymentWaitMs })
    this.#accounts.set(row.id, account)
    return account
  }

  #requireRoom(): void {
    if (this.#accounts.size < MAX_ACCOUNTS) return
    throw new GatewayError('GATEWAY_BUSY', 'this node keeps no more accounts of payers', {
      fix: 'Try another node.',
    })
  }
}

/** Beyond their expiry, for clocks that differ. */
const KEEP_PAYMENTS_MS = 3_600_000

function paymentKey({ payer, nonce }: Pick<PaymentRow, 'payer' | 'nonce'>): string {
  return `${payer}:${nonce}`
}

function unknownChannel(): GatewayError {
  return new GatewayError('NOT_FOUND', 'no such channel pays here', {
    fix: 'Open one: POST /api/payment/open.',
  })
}
