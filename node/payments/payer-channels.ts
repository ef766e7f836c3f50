import pLimit from 'p-limit'
import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Address, ChannelId } from '../../protocol/ids.ts'
import type { SignedVoucher } from '../../protocol/messages/task-request.ts'
import { formatCredits, maxAmount, minAmount } from '../../protocol/money.ts'
import { channelIdOf, type SettlementDomain } from '../../protocol/typed-data.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { ChannelEvent } from '../chain/channel-watcher.ts'
import type { ChainClient } from '../chain/client.ts'
import { encodeCall, type Publisher, type TransactionOutcome } from '../chain/publisher.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { LatestWriter } from '../store/latest-writer.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { channelDeposit } from './channel-deposit.ts'
import { PaymentError } from './errors.ts'
import { signPermit } from './permit.ts'
import type { SpendingLimit } from './spending.ts'
import { SessionKey, sessionPrivateKey, VoucherVerifier } from './vouchers.ts'
import type { Wallet } from './wallet.ts'

const payerChannelSchema = z.strictObject({
  channelId: wire.bytes32,
  payee: wire.address,
  salt: wire.bytes32,
  signer: wire.address,
  deposit: wire.amount,
  claimed: wire.amount,
  expiresAtMs: wire.timeMs,
  closesAtMs: z.nullable(wire.timeMs),
  state: z.enum(['opening', 'open', 'closing', 'closed']),
  /** The total of what we have signed, over all tasks. */
  cumulative: wire.amount,
  signature: z.nullable(wire.ecdsaSignature),
  /** Numbers our top-ups, so that each is one transaction. */
  topUps: wire.count,
  pendingTopUp: z.nullable(wire.amount),
})

/** A channel we pay from. */
export type PayerChannel = z.infer<typeof payerChannelSchema>

export interface PayerChannelsOptions {
  /** Credits put into a new channel, or added to one that runs low, base units. */
  channelDeposit: bigint
  channelLifetimeMs: number
}

export interface PayerChannelsModules {
  client: ChainClient
  publisher: Publisher
  wallet: Wallet
  store: Store
  outbox: AuditOutbox
  spending: SpendingLimit
  clock: Clock
  log: Logger
  /** 32 random bytes as `0x…`. */
  randomSalt: () => string
}

export interface AcquireOptions {
  payee: Address
  /** The most that the task can cost. */
  needed: bigint
  /** What must be left of the channel's life. */
  minRemainingMs: number
  /** How reliable the payee is by our own reckoning, 0 to 1: a stranger gets less than a whole deposit. Default 1. */
  reliability?: number
  onOpening?: (channel: { channelId: ChannelId; amount: bigint; kind: 'open' | 'topUp' }) => void
}

/** Added to what a provider asks to be left of a channel, for the time until the request arrives. */
const REMAINING_MARGIN_MS = 60_000

/**
 * The channels our node pays from. It opens and tops them up by itself, within the spending limit; writes
 * down what it signs before it hands it out; and takes back what is left when a channel has ended.
 */
export class PayerChannels {
  readonly #options: PayerChannelsOptions
  readonly #modules: PayerChannelsModules
  readonly #domain: SettlementDomain
  readonly #verifier: VoucherVerifier
  readonly #table: Table<PayerChannel>
  readonly #channels = new Map<ChannelId, OpenChannel>()
  /** Openings and top-ups in progress, by payee: others for the same payee wait for them. */
  readonly #funding = new Map<Address, Promise<void>>()
  /** All are paid from one wallet: two at once would count on the same credits, allowance and permit. */
  readonly #oneAtATime = pLimit(1)

  constructor(options: PayerChannelsOptions, modules: PayerChannelsModules) {
    this.#options = options
    this.#modules = modules
    this.#domain = { chainId: modules.client.chainId, settlement: modules.client.addresses.settlement }
    this.#verifier = new VoucherVerifier(this.#domain)
    this.#table = modules.store.table('payer-channels', payerChannelSchema)
  }

  /** Loads the channels and goes on with openings and top-ups a former run began. */
  async start(): Promise<void> {
    for await (const row of this.#table.values()) this.#add(row)
    for (const channel of this.#channels.values()) {
      const { payee, state, pendingTopUp } = channel.row
      if (state === 'opening') this.#inBackground(payee, () => this.#finishOpening(channel))
      else if (pendingTopUp !== null) this.#inBackground(payee, () => this.#finishTopUp(channel))
    }
  }

  /** Does something else with the wallet's credits, or with a permit, while no channel is funded from it. */
  apart<T>(work: () => Promise<T>): Promise<T> {
    return this.#oneAtATime(work)
  }

  /** All channels, with what is still reserved for running tasks. */
  list(): readonly (PayerChannel & { reserved: bigint })[] {
    return [...this.#channels.values()].map(channel => ({ ...channel.row, reserved: channel.reserved() }))
  }

  /**
   * Finds, opens or tops up a channel that can pay for a task, and reserves the money.
   * @throws {PaymentError} WALLET_EMPTY, GAS_MONEY_MISSING, SPENDING_LIMIT, CHANNEL_NOT_OPENED
   * @throws {ChainError} CHAIN_UNREACHABLE when the chain is needed and away
   */
  async acquire(options: AcquireOptions): Promise<ChannelLease> {
    for (;;) {
      const fit = this.#usable(options).find(channel => channel.available() >= options.needed)
      if (fit !== undefined) return this.#lease(fit, options.needed)
      const inProgress = this.#funding.get(options.payee)
      if (inProgress !== undefined) {
        await inProgress.catch(() => {})
        continue
      }
      const low = this.#usable(options)[0]
      await this.#fund(options.payee, () =>
        low === undefined ? this.#open(options) : this.#topUp(low, options),
      )
    }
  }

  /** Whether `acquire` would find a channel, and have nothing to wait for. */
  canPay(options: AcquireOptions): boolean {
    return this.#usable(options).some(channel => channel.available() >= options.needed)
  }

  /**
   * Begins to close a channel that no task uses, to have its money back after the delay.
   * @throws {PaymentError} CHANNEL_NOT_OPENED when it is not open
   */
  async close(channelId: ChannelId): Promise<TransactionOutcome> {
    const channel = this.#channels.get(channelId)
    if (channel === undefined || channel.row.state !== 'open' || channel.reserved() > 0n) {
      throw new PaymentError('CHANNEL_NOT_OPENED', 'the channel is not open, or in use', {
        details: { channelId },
      })
    }
    return this.#modules.publisher.submit({
      id: `start-close:${channelId}`,
      contract: 'settlement',
      data: encodeCall('settlement', 'startClose', [channelId]),
    })
  }

  /** Takes back what is left in channels that have ended. */
  async reclaim(): Promise<void> {
    const nowMs = this.#modules.clock.nowMs()
    for (const { row } of this.#channels.values()) {
      const endsAtMs = row.closesAtMs === null ? row.expiresAtMs : Math.min(row.closesAtMs, row.expiresAtMs)
      if ((row.state !== 'open' && row.state !== 'closing') || nowMs < endsAtMs) continue
      await this.#modules.publisher.submit({
        id: `finish-close:${row.channelId}`,
        contract: 'settlement',
        data: encodeCall('settlement', 'finishClose', [row.channelId]),
      })
    }
  }

  /** Follows what the chain says; a channel of ours that the database lost is found again here. */
  async onChainEvent(event: ChannelEvent): Promise<void> {
    if (
      event.kind === 'opened' &&
      event.payer === this.#modules.wallet.address &&
      !this.#channels.has(event.channelId)
    ) {
      this.#add({
        channelId: event.channelId,
        payee: event.payee,
        salt: event.salt,
        signer: event.signer,
        deposit: event.deposit,
        claimed: 0n,
        expiresAtMs: event.expiresAtMs,
        closesAtMs: null,
        state: 'open',
        cumulative: 0n,
        signature: null,
        topUps: 0,
        pendingTopUp: null,
      })
    }
    const channel = this.#channels.get(event.channelId)
    if (channel === undefined) return
    const { row } = channel
    if (event.kind === 'toppedUp') row.deposit = maxAmount(row.deposit, event.deposit)
    else if (event.kind === 'settled') {
      row.claimed = event.claimed
      // The payee showed a voucher we no longer know of: what it was paid is spent.
      row.cumulative = maxAmount(row.cumulative, event.claimed)
    } else if (event.kind === 'closing') {
      // Told again after a crash, it does not open again what has closed since.
      row.state = row.state === 'closed' ? 'closed' : 'closing'
      row.closesAtMs = event.closesAtMs
    } else if (event.kind === 'closed' && row.state !== 'closed') {
      await channel.change(() => {
        row.state = 'closed'
        return this.#modules.outbox.record(
          [this.#table.putOperation(row.channelId, row)],
          [{ kind: 'channel.closed', v: 1, channelId: row.channelId, transaction: event.transaction }],
        )
      })
      return
    }
    await channel.save()
  }

  #add(row: PayerChannel): OpenChannel {
    const privateKey = sessionPrivateKey(this.#modules.wallet.privateKey, row.channelId)
    const key = new SessionKey({ privateKey, channelId: row.channelId, domain: this.#domain })
    const channel = new OpenChannel(row, { key, table: this.#table, verifier: this.#verifier })
    this.#channels.set(row.channelId, channel)
    return channel
  }

  /** Open channels to a payee that live long enough, the fullest first. */
  #usable(options: AcquireOptions): OpenChannel[] {
    const untilMs = this.#modules.clock.nowMs() + options.minRemainingMs + REMAINING_MARGIN_MS
    return [...this.#channels.values()]
      .filter(
        ({ row, signs }) =>
          row.payee === options.payee && row.state === 'open' && row.expiresAtMs >= untilMs && signs,
      )
      .sort((a, b) => (a.available() < b.available() ? 1 : -1))
  }

  #lease(channel: OpenChannel, amount: bigint): ChannelLease {
    return new ChannelLease(channel, amount)
  }

  async #fund(payee: Address, work: () => Promise<void>): Promise<void> {
    const funding = this.#oneAtATime(work).finally(() => {
      if (this.#funding.get(payee) === funding) this.#funding.delete(payee)
    })
    this.#funding.set(payee, funding)
    await funding
  }

  #inBackground(payee: Address, work: () => Promise<void>): void {
    this.#fund(payee, work).catch(error =>
      this.#modules.log.warn({ err: error, payee }, 'funding a channel failed'),
    )
  }

  async #open(options: AcquireOptions): Promise<void> {
    const { client, wallet, clock, spending, outbox, randomSalt } = this.#modules
    const amount = await this.#affordable(options.needed, options)
    const salt = randomSalt()
    const channelId = channelIdOf(this.#domain, wallet.address, options.payee, salt)
    const { address: signer } = new SessionKey({
      privateKey: sessionPrivateKey(wallet.privateKey, channelId),
      channelId,
      domain: this.#domain,
    })
    const closeDelayMs = await client.closeDelayMs()
    const lifetimeMs = Math.max(this.#options.channelLifetimeMs, closeDelayMs * 2, options.minRemainingMs * 2)
    const row: PayerChannel = {
      channelId,
      payee: options.payee,
      salt,
      signer,
      deposit: amount,
      claimed: 0n,
      expiresAtMs: Math.ceil((clock.nowMs() + lifetimeMs) / 1_000) * 1_000,
      closesAtMs: null,
      state: 'opening',
      cumulative: 0n,
      signature: null,
      topUps: 0,
      pendingTopUp: null,
    }
    const spent = spending.take(amount, channelId)
    await outbox.record(
      [this.#table.putOperation(channelId, row), spent],
      [
        {
          kind: 'channel.opening',
          v: 1,
          channelId,
          payee: options.payee,
          signer,
          amount,
          expiresAtMs: row.expiresAtMs,
        },
      ],
    )
    options.onOpening?.({ channelId, amount, kind: 'open' })
    await this.#finishOpening(this.#add(row))
  }

  async #finishOpening(channel: OpenChannel): Promise<void> {
    const { row } = channel
    const { client, wallet, clock, publisher, outbox, spending, store } = this.#modules
    const args = [row.payee, row.signer, row.salt, Math.floor(row.expiresAtMs / 1_000), row.deposit]
    const missing = await this.#missingAllowance(row.deposit)
    const outcome = await publisher.submit({
      id: `open:${row.channelId}`,
      contract: 'settlement',
      data:
        missing === 0n
          ? encodeCall('settlement', 'depositAndOpen', args)
          : encodeCall('settlement', 'depositWithPermitAndOpen', [
              ...args,
              await signPermit('settlement', missing, { client, wallet, nowMs: clock.nowMs() }),
            ]),
    })
    if (outcome.status !== 'confirmed') {
      this.#channels.delete(row.channelId)
      await channel.change(() =>
        store.batch([this.#table.deleteOperation(row.channelId), ...spending.giveBack(row.channelId)]),
      )
      throw notFunded(outcome)
    }
    await channel.change(() => {
      row.state = 'open'
      return outbox.record(
        [this.#table.putOperation(row.channelId, row)],
        [{ kind: 'channel.opened', v: 1, channelId: row.channelId, transaction: outcome.hash }],
      )
    })
  }

  async #topUp(channel: OpenChannel, options: AcquireOptions): Promise<void> {
    const { row } = channel
    const missing = options.needed - channel.available()
    // What others had set aside has come back meanwhile.
    if (missing <= 0n) return
    const amount = await this.#affordable(missing, options)
    const number = row.topUps + 1
    const spent = this.#modules.spending.take(amount, `${row.channelId}/${number}`)
    await channel.change(() => {
      row.topUps = number
      row.pendingTopUp = amount
      return this.#modules.outbox.record(
        [this.#table.putOperation(row.channelId, row), spent],
        [{ kind: 'channel.toppingUp', v: 1, channelId: row.channelId, amount }],
      )
    })
    options.onOpening?.({ channelId: row.channelId, amount, kind: 'topUp' })
    await this.#finishTopUp(channel)
  }

  async #finishTopUp(channel: OpenChannel): Promise<void> {
    const { row } = channel
    const { client, wallet, clock, publisher, spending, store } = this.#modules
    const amount = row.pendingTopUp ?? 0n
    const purpose = `${row.channelId}/${row.topUps}`
    const missing = await this.#missingAllowance(amount)
    let outcome: TransactionOutcome | null = null
    if (missing > 0n) {
      outcome = await publisher.submit({
        id: `deposit:${purpose}`,
        contract: 'settlement',
        data: encodeCall('settlement', 'depositWithPermit', [
          wallet.address,
          missing,
          await signPermit('settlement', missing, { client, wallet, nowMs: clock.nowMs() }),
        ]),
      })
    }
    if (outcome === null || outcome.status === 'confirmed') {
      outcome = await publisher.submit({
        id: `top-up:${purpose}`,
        contract: 'settlement',
        data: encodeCall('settlement', 'depositAndTopUp', [row.channelId, amount]),
      })
    }
    const onChain = outcome.status === 'confirmed' ? await client.channel(row.channelId) : null
    const undone = outcome.status === 'confirmed' ? [] : spending.giveBack(purpose)
    await channel.change(() => {
      row.pendingTopUp = null
      row.deposit = maxAmount(row.deposit, onChain?.deposit ?? 0n)
      return store.batch([this.#table.putOperation(row.channelId, row), ...undone])
    })
    if (outcome.status !== 'confirmed') throw notFunded(outcome)
  }

  /** At least `needed`, at best what the payee's reliability is worth for such tasks: what limit and wallet allow. */
  async #affordable(
    needed: bigint,
    { needed: task, reliability = 1 }: Pick<AcquireOptions, 'needed' | 'reliability'>,
  ): Promise<bigint> {
    const { client, wallet, spending } = this.#modules
    const { credits, settlementCredits } = await client.balances(wallet.address)
    const owned = credits + settlementCredits
    if (owned < needed) {
      throw new PaymentError(
        'WALLET_EMPTY',
        `the wallet has ${formatCredits(owned)} credits; the task may cost ${formatCredits(needed)}`,
        {
          fix: `Send credits to ${wallet.address}, or ask for fewer tokens.`,
          details: { wallet: wallet.address, needed: formatCredits(needed), owned: formatCredits(owned) },
        },
      )
    }
    const wanted = channelDeposit(task, this.#options.channelDeposit, reliability)
    const amount = minAmount(minAmount(wanted, owned), spending.remaining())
    return maxAmount(amount, needed)
  }

  /** What Settlement would have to pull from the wallet and is not allowed to yet. */
  async #missingAllowance(amount: bigint): Promise<bigint> {
    const { client, wallet } = this.#modules
    const [{ settlementCredits }, allowance] = await Promise.all([
      client.balances(wallet.address),
      client.settlementAllowance(wallet.address),
    ])
    const missing = amount - minAmount(amount, settlementCredits)
    return missing <= allowance ? 0n : missing
  }
}

/** One channel in use: the total it has signed and what running tasks may still add. */
class OpenChannel {
  readonly row: PayerChannel
  readonly #key: SessionKey
  readonly #verifier: VoucherVerifier
  readonly #leases = new Set<{ left: bigint }>()
  readonly #writer: LatestWriter

  constructor(
    row: PayerChannel,
    modules: { key: SessionKey; table: Table<PayerChannel>; verifier: VoucherVerifier },
  ) {
    this.row = row
    this.#key = modules.key
    this.#verifier = modules.verifier
    this.#writer = new LatestWriter(() => modules.table.put(row.channelId, row, { sync: false }))
  }

  /** Whether the channel's signer is the key we derive for it; else somebody else's tool opened it. */
  get signs(): boolean {
    return this.#key.address === this.row.signer
  }

  reserved(): bigint {
    let sum = 0n
    for (const { left } of this.#leases) sum += left
    return sum
  }

  available(): bigint {
    const free = this.row.deposit - this.row.cumulative - this.reserved()
    return free > 0n ? free : 0n
  }

  reserve(amount: bigint): { left: bigint } {
    const lease = { left: amount }
    this.#leases.add(lease)
    return lease
  }

  release(lease: { left: bigint }): void {
    this.#leases.delete(lease)
  }

  /** Signs `amount` more; on disk before it is returned. */
  async sign(amount: bigint): Promise<SignedVoucher> {
    this.row.cumulative += amount
    const cumulativeAmount = this.row.cumulative
    const signature = this.#key.sign(cumulativeAmount)
    if (this.row.cumulative === cumulativeAmount) this.row.signature = signature
    await this.save()
    return { cumulativeAmount, signature }
  }

  voucher(): SignedVoucher | null {
    const { cumulative, signature } = this.row
    return signature === null ? null : { cumulativeAmount: cumulative, signature }
  }

  /** Takes over a voucher of ours that the payee still has and we have lost. */
  async adopt(voucher: SignedVoucher): Promise<void> {
    if (voucher.cumulativeAmount <= this.row.cumulative) return
    if (!this.#verifier.isSignedBy(this.row.signer, { channelId: this.row.channelId, ...voucher })) {
      throw new PaymentError('VOUCHER_FOREIGN', 'the provider showed a voucher that is not ours', {
        details: { channelId: this.row.channelId },
      })
    }
    this.row.cumulative = voucher.cumulativeAmount
    this.row.signature = voucher.signature
    await this.save()
  }

  save(): Promise<void> {
    return this.#writer.write()
  }

  /** Changes the row and writes it together with what belongs to the change; no other write of it comes in between. */
  change(change: () => Promise<void>): Promise<void> {
    return this.#writer.change(change)
  }
}

/** The right of one task to pay from a channel, up to what was reserved for it. */
export class ChannelLease {
  readonly channelId: ChannelId
  readonly #channel: OpenChannel
  readonly #reservation: { left: bigint }
  #paid = 0n

  constructor(channel: OpenChannel, amount: bigint) {
    this.channelId = channel.row.channelId
    this.#channel = channel
    this.#reservation = channel.reserve(amount)
  }

  /** What this task has been paid so far, base units. */
  get paid(): bigint {
    return this.#paid
  }

  /** The channel's newest voucher, from before or from other tasks. */
  voucher(): SignedVoucher | null {
    return this.#channel.voucher()
  }

  /** @throws {PaymentError} VOUCHER_FOREIGN */
  adopt(voucher: SignedVoucher): Promise<void> {
    return this.#channel.adopt(voucher)
  }

  /** What we will have signed on the channel once this task is paid `taskAmount` in all; others may add to it. */
  cumulativeFor(taskAmount: bigint): bigint {
    return this.#channel.row.cumulative + maxAmount(0n, taskAmount - this.#paid)
  }

  /**
   * Raises what this task has paid to `taskAmount` in total.
   * @returns the voucher to hand out; already on disk
   * @throws {PaymentError} CHANNEL_TOO_SMALL when that is more than was reserved
   */
  async payTo(taskAmount: bigint): Promise<SignedVoucher> {
    const amount = taskAmount - this.#paid
    if (amount < 0n || amount > this.#reservation.left) {
      throw new PaymentError('CHANNEL_TOO_SMALL', 'the task would cost more than was set aside for it', {
        details: { paid: formatCredits(this.#paid), asked: formatCredits(taskAmount) },
      })
    }
    this.#paid = taskAmount
    this.#reservation.left -= amount
    return this.#channel.sign(amount)
  }

  /** Frees what was reserved and not paid. Idempotent. */
  release(): void {
    this.#channel.release(this.#reservation)
  }
}

function notFunded(outcome: Exclude<TransactionOutcome, { status: 'confirmed' }>): PaymentError {
  if (outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money') {
    return new PaymentError('GAS_MONEY_MISSING', 'the wallet has no gas money for the transaction', {
      fix: "Send some of the chain's own coin to the wallet; shoal wallet shows its address.",
    })
  }
  const why =
    outcome.status === 'rejected' ? (outcome.errorName ?? outcome.reason) : 'the transaction was reverted'
  return new PaymentError('CHANNEL_NOT_OPENED', `the chain did not take the channel: ${why}`, {
    details: { why },
  })
}
