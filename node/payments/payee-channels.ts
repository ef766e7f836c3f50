import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { Address, ChannelId, NodeKey } from '../../protocol/ids.ts'
import type { SignedVoucher } from '../../protocol/messages/task-request.ts'
import { maxAmount } from '../../protocol/money.ts'
import type { ChannelEvent } from '../chain/channel-watcher.ts'
import type { ChainClient, OnChainChannel } from '../chain/client.ts'
import type { Clock } from '../clock.ts'
import { LatestWriter } from '../store/latest-writer.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { PaymentRefusal } from './errors.ts'
import { VoucherVerifier } from './vouchers.ts'

const payeeChannelSchema = z.strictObject({
  channelId: wire.bytes32,
  payer: wire.address,
  signer: wire.address,
  deposit: wire.amount,
  /** Paid out on chain so far. */
  claimed: wire.amount,
  expiresAtMs: wire.timeMs,
  closesAtMs: z.nullable(wire.timeMs),
  state: z.enum(['open', 'closing', 'closed']),
  /** The best voucher we hold. */
  cumulative: wire.amount,
  signature: z.nullable(wire.ecdsaSignature),
})

const dedicatedSchema = z.strictObject({ channelId: wire.bytes32 })

/** A channel we are paid from. */
export type PayeeChannel = z.infer<typeof payeeChannelSchema>

export interface PayeeChannelsOptions {
  wallet: Address
  /** What must be left of a channel's life when a task begins. */
  minRemainingMs: number
}

export interface PayeeChannelsModules {
  client: ChainClient
  store: Store
  clock: Clock
}

export interface AdmitOptions {
  channelId: ChannelId
  payer: Address
  /** The node that asks. */
  requester: NodeKey
  /** The newest voucher the requester says it signed. */
  voucher: SignedVoucher | null
}

/** The channels our node is paid from: which tasks they can pay for, and the best voucher of each. */
export class PayeeChannels {
  readonly #options: PayeeChannelsOptions
  readonly #modules: PayeeChannelsModules
  readonly #verifier: VoucherVerifier
  readonly #table: Table<PayeeChannel>
  /** Channels that pay for something else than tasks of the network. */
  readonly #dedicatedTable: Table<{ channelId: ChannelId }>
  readonly #dedicated = new Set<ChannelId>()
  readonly #channels = new Map<ChannelId, EarningChannel>()
  readonly #loading = new Map<ChannelId, Promise<EarningChannel>>()

  constructor(options: PayeeChannelsOptions, modules: PayeeChannelsModules) {
    this.#options = options
    this.#modules = modules
    this.#verifier = new VoucherVerifier({
      chainId: modules.client.chainId,
      settlement: modules.client.addresses.settlement,
    })
    this.#table = modules.store.table('payee-channels', payeeChannelSchema)
    this.#dedicatedTable = modules.store.table('dedicated-channels', dedicatedSchema)
  }

  async start(): Promise<void> {
    for await (const row of this.#table.values()) this.#add(row)
    for await (const { channelId } of this.#dedicatedTable.values()) this.#dedicated.add(channelId)
  }

  list(): readonly PayeeChannel[] {
    return [...this.#channels.values()].map(({ row }) => ({ ...row }))
  }

  /** When the earliest channel with unclaimed earnings ends, ms; null when none does. */
  nextEndMs(): number | null {
    const ends = this.claimable(0n).map(endOf)
    return ends.length === 0 ? null : Math.min(...ends)
  }

  /** Channels with more than `above` to claim. */
  claimable(above: bigint): (PayeeChannel & { signature: string })[] {
    return [...this.#channels.values()].flatMap(({ row }) =>
      row.state !== 'closed' && row.signature !== null && row.cumulative - row.claimed > above
        ? [{ ...row, signature: row.signature }]
        : [],
    )
  }

  /**
   * Lets a task begin on a channel.
   * @throws {PaymentRefusal} channel_unknown, channel_ending, voucher_invalid
   * @throws {ChainError} CHAIN_UNREACHABLE when an unknown channel cannot be looked up
   */
  async admit(options: AdmitOptions): Promise<PayeeLease> {
    const channel = await this.#find(options.channelId)
    const { row } = channel
    if (row.payer !== options.payer || this.#dedicated.has(row.channelId)) throw unknownChannel()
    this.#requireLife(row)
    if (options.voucher !== null) await channel.accept(options.voucher, options.requester)
    return new PayeeLease(channel, options.requester, () => this.#refresh(channel))
  }

  /** Whether a channel is known without asking the chain. */
  knows(channelId: ChannelId): boolean {
    return this.#channels.has(channelId)
  }

  /**
   * A channel to us as it stands, from the chain where we do not know it.
   * @throws {PaymentRefusal} channel_unknown
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async find(channelId: ChannelId): Promise<PayeeChannel> {
    return { ...(await this.#find(channelId)).row }
  }

  /**
   * Sets a channel apart: from now on, for ever, it pays for no task of the network, and its vouchers are counted by whoever
   * asked. Without this, one voucher could be shown for two things. Idempotent; on disk when this resolves.
   * @throws {PaymentRefusal} channel_unknown; channel_ending; channel_low when tasks of the network have used it
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  async dedicate(channelId: ChannelId): Promise<PayeeChannel> {
    const channel = await this.#find(channelId)
    const { row } = channel
    this.#requireLife(row)
    if (this.#dedicated.has(channelId)) return { ...row }
    if (channel.isUsed)
      throw new PaymentRefusal('channel_low', 'the channel already pays for tasks of the network')
    this.#dedicated.add(channelId)
    await this.#dedicatedTable.put(channelId, { channelId })
    return { ...row }
  }

  /**
   * Takes a voucher of a channel that was set apart, to be claimed in time; one that is not better does nothing.
   * @throws {PaymentRefusal} channel_unknown, voucher_invalid
   */
  async keep(channelId: ChannelId, voucher: SignedVoucher): Promise<void> {
    const channel = this.#channels.get(channelId)
    if (channel === undefined || !this.#dedicated.has(channelId)) throw unknownChannel()
    await channel.accept(voucher, null)
  }

  /** Asks the chain for what was locked and claimed meanwhile. @throws as `find` */
  async refresh(channelId: ChannelId): Promise<PayeeChannel> {
    const channel = await this.#find(channelId)
    await this.#refresh(channel)
    return { ...channel.row }
  }

  /** @throws {PaymentRefusal} channel_ending when too little is left of a channel's life to begin anything */
  #requireLife(row: PayeeChannel): void {
    const leftMs = endOf(row) - this.#modules.clock.nowMs()
    if (row.state === 'open' && leftMs >= this.#options.minRemainingMs) return
    throw new PaymentRefusal('channel_ending', 'the channel ends too soon')
  }

  /** Follows what the chain says of channels we know, and of new ones to us. */
  async onChainEvent(event: ChannelEvent): Promise<void> {
    if (
      event.kind === 'opened' &&
      event.payee === this.#options.wallet &&
      !this.#channels.has(event.channelId)
    ) {
      const onChain = await this.#modules.client.channel(event.channelId)
      if (onChain !== null && !this.#channels.has(event.channelId)) await this.#add(rowOf(onChain)).save()
    }
    const channel = this.#channels.get(event.channelId)
    if (channel === undefined) return
    const { row } = channel
    if (event.kind === 'toppedUp') row.deposit = maxAmount(row.deposit, event.deposit)
    else if (event.kind === 'settled') row.claimed = maxAmount(row.claimed, event.claimed)
    else if (event.kind === 'closing') {
      row.state = row.state === 'closed' ? 'closed' : 'closing'
      row.closesAtMs = event.closesAtMs
    } else if (event.kind === 'closed') row.state = 'closed'
    await channel.save()
  }

  #add(row: PayeeChannel): EarningChannel {
    const channel = new EarningChannel(row, { table: this.#table, verifier: this.#verifier })
    this.#channels.set(row.channelId, channel)
    return channel
  }

  async #find(channelId: ChannelId): Promise<EarningChannel> {
    const known = this.#channels.get(channelId)
    if (known !== undefined) return known
    const loading =
      this.#loading.get(channelId) ?? this.#load(channelId).finally(() => this.#loading.delete(channelId))
    this.#loading.set(channelId, loading)
    return loading
  }

  async #load(channelId: ChannelId): Promise<EarningChannel> {
    const onChain = await this.#modules.client.channel(channelId)
    if (onChain === null || onChain.payee !== this.#options.wallet) throw unknownChannel()
    const channel = this.#channels.get(channelId) ?? this.#add(rowOf(onChain))
    await channel.save()
    return channel
  }

  async #refresh(channel: EarningChannel): Promise<void> {
    const onChain = await this.#modules.client.channel(channel.row.channelId)
    if (onChain === null) return
    channel.row.deposit = maxAmount(channel.row.deposit, onChain.deposit)
    channel.row.claimed = maxAmount(channel.row.claimed, onChain.claimed)
    await channel.save()
  }
}

/** What a running task may still cost. */
interface Reservation {
  readonly requester: NodeKey
  left: bigint
}

/** Node keys remembered as a channel's own; a payer has one at a time. */
const MAX_PAYING_NODES = 16

/**
 * One channel in use: the best voucher, and how much of it which task may count as its pay.
 *
 * Who pays into which channel is public, so anybody can name somebody else's. Its own is only a node that has
 * shown a voucher better than all before: nobody else can have one. Others neither count what it has signed
 * as theirs nor keep its money from it.
 */
class EarningChannel {
  readonly row: PayeeChannel
  readonly #verifier: VoucherVerifier
  readonly #writer: LatestWriter
  readonly #reservations = new Set<Reservation>()
  readonly #payingNodes = new Set<NodeKey>()
  /** Tasks that run on the channel. */
  #leases = 0
  /** How much of the best voucher has been counted as pay of some task; what an earlier run held counts whole. */
  #attributed: bigint

  constructor(row: PayeeChannel, modules: { table: Table<PayeeChannel>; verifier: VoucherVerifier }) {
    this.row = row
    this.#attributed = row.cumulative
    this.#verifier = modules.verifier
    this.#writer = new LatestWriter(() => modules.table.put(row.channelId, row, { sync: false }))
  }

  /** Whether anything was ever paid on it, or may be by what runs. */
  get isUsed(): boolean {
    return this.#leases > 0 || this.row.signature !== null
  }

  voucher(): SignedVoucher | null {
    const { cumulative, signature } = this.row
    return signature === null ? null : { cumulativeAmount: cumulative, signature }
  }

  /** What a new task of a node may cost at most: neither paid nor promised to running ones. */
  free(requester: NodeKey): bigint {
    let promised = 0n
    for (const { requester: other, left } of this.#reservations)
      if (other === requester || this.#payingNodes.has(other)) promised += left
    // A voucher may be here before the tasks it pays have said which part is theirs: that part is promised no more.
    const { deposit, cumulative } = this.row
    return deposit - cumulative - maxAmount(0n, promised - (cumulative - this.#attributed))
  }

  /** A task begins. While none runs, all that was paid counts as pay of earlier ones: none can still claim it. */
  lease(): void {
    if (this.#leases++ === 0) this.#attributed = this.row.cumulative
  }

  unlease(): void {
    this.#leases--
  }

  /**
   * What the payer owes on the channel once a task is paid `more` than it has been.
   *
   * Never more than what the requester will have signed: of the best voucher, a part that no task has said to be its
   * own may be pay of this very task on its way, so it does not count beside `more`.
   */
  owedWith(more: bigint): bigint {
    return maxAmount(this.row.cumulative, this.#attributed + more)
  }

  reserve(requester: NodeKey, amount: bigint): Reservation {
    const reservation = { requester, left: amount }
    this.#reservations.add(reservation)
    return reservation
  }

  release(reservation: Reservation): void {
    this.#reservations.delete(reservation)
  }

  /**
   * Takes a voucher if it is better than the best; on disk when this resolves.
   * @param requester the node that showed it; null where no node did
   * @throws {PaymentRefusal} voucher_invalid
   */
  async accept(voucher: SignedVoucher, requester: NodeKey | null): Promise<void> {
    const { row } = this
    if (voucher.cumulativeAmount <= row.cumulative) return
    if (voucher.cumulativeAmount > row.deposit) {
      throw new PaymentRefusal('voucher_invalid', 'the voucher is for more than the channel holds')
    }
    if (!this.#verifier.isSignedBy(row.signer, { channelId: row.channelId, ...voucher })) {
      throw new PaymentRefusal('voucher_invalid', "the voucher is not signed by the channel's key")
    }
    row.cumulative = voucher.cumulativeAmount
    row.signature = voucher.signature
    if (requester === null) return this.save()
    this.#payingNodes.delete(requester)
    this.#payingNodes.add(requester)
    if (this.#payingNodes.size > MAX_PAYING_NODES)
      this.#payingNodes.delete(this.#payingNodes.values().next().value!)
    await this.save()
  }

  /**
   * Counts money of the best voucher as pay of one task.
   * @throws {PaymentRefusal} voucher_invalid when it is not there, or not the requester's
   */
  attribute(amount: bigint, requester: NodeKey): void {
    if (!this.#payingNodes.has(requester) || this.#attributed + amount > this.row.cumulative) {
      throw new PaymentRefusal('voucher_invalid', 'the voucher does not cover what it is said to pay')
    }
    this.#attributed += amount
  }

  save(): Promise<void> {
    return this.#writer.write()
  }
}

/** A task's side of a channel. */
export class PayeeLease {
  readonly #channel: EarningChannel
  readonly #requester: NodeKey
  readonly #refresh: () => Promise<void>
  #reservation: Reservation | null = null
  #paid = 0n
  #released = false

  constructor(channel: EarningChannel, requester: NodeKey, refresh: () => Promise<void>) {
    this.#channel = channel
    this.#requester = requester
    this.#refresh = refresh
    channel.lease()
  }

  /** What this task has been paid so far, base units. */
  get paid(): bigint {
    return this.#paid
  }

  voucher(): SignedVoucher | null {
    return this.#channel.voucher()
  }

  /**
   * Makes sure that the channel can pay for all the task may cost; looks for a top-up when it cannot.
   * @throws {PaymentRefusal} channel_low
   */
  async reserve(amount: bigint): Promise<void> {
    if (this.#channel.free(this.#requester) < amount) await this.#refresh()
    if (this.#channel.free(this.#requester) < amount)
      throw new PaymentRefusal('channel_low', 'the channel holds too little for this task')
    this.#reservation = this.#channel.reserve(this.#requester, amount)
  }

  /** What the payer owes on the channel, over all tasks, once this one is paid `taskAmount` in all. */
  cumulativeFor(taskAmount: bigint): bigint {
    return this.#channel.owedWith(maxAmount(0n, taskAmount - this.#paid))
  }

  /** Lowers what is set aside: the task turned out to cost `amount` in all. */
  reserveOnly(amount: bigint): void {
    if (this.#reservation !== null) this.#reservation.left = maxAmount(0n, amount - this.#paid)
  }

  /**
   * Takes a payment; on disk when this resolves. Payments may arrive out of order between the tasks of one
   * channel: a voucher that is not the best any more still says how much of the best is for this task.
   * @throws {PaymentRefusal} voucher_invalid
   */
  async pay(payment: SignedVoucher & { taskAmount: bigint }): Promise<void> {
    await this.#channel.accept(payment, this.#requester)
    const more = payment.taskAmount - this.#paid
    if (more <= 0n) return
    this.#channel.attribute(more, this.#requester)
    this.#paid = payment.taskAmount
    if (this.#reservation !== null) {
      this.#reservation.left = this.#reservation.left > more ? this.#reservation.left - more : 0n
    }
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#channel.unlease()
    if (this.#reservation !== null) this.#channel.release(this.#reservation)
  }
}

function rowOf(onChain: OnChainChannel): PayeeChannel {
  const { channelId, payer, signer, deposit, claimed, expiresAtMs, closesAtMs, status } = onChain
  // What was paid out before we knew the channel is no longer ours to earn.
  return {
    channelId,
    payer,
    signer,
    deposit,
    claimed,
    expiresAtMs,
    closesAtMs,
    state: status,
    cumulative: claimed,
    signature: null,
  }
}

/** When the payer may take back what is left. */
function endOf(row: PayeeChannel): number {
  return row.closesAtMs === null ? row.expiresAtMs : Math.min(row.closesAtMs, row.expiresAtMs)
}

function unknownChannel(): PaymentRefusal {
  return new PaymentRefusal('channel_unknown', 'there is no such channel to this provider')
}
