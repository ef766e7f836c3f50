import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EventLog } from '../../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../../node/auditlog/outbox.ts'
import { createNativeNodeSigner } from '../../../../node/ed25519.ts'
import { PaymentError } from '../../../../node/payments/errors.ts'
import { PayeeChannels, type PayeeLease } from '../../../../node/payments/payee-channels.ts'
import { type ChannelLease, PayerChannels } from '../../../../node/payments/payer-channels.ts'
import { SpendingLimit } from '../../../../node/payments/spending.ts'
import { VoucherVerifier } from '../../../../node/payments/vouchers.ts'
import { Wallet } from '../../../../node/payments/wallet.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../../protocol/messages/audit-event.ts'
import type { SignedVoucher } from '../../../../protocol/messages/task-request.ts'
import { openRecord } from '../../../../protocol/signed.ts'
import { type Gate, GatedStore } from '../../../helpers/gated-store.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { waitUntil } from '../../../helpers/wait.ts'
import { type Fate, MemorySettlement } from './memory-settlement.ts'

export const payerWallet = new Wallet(`0x${'11'.repeat(32)}`)
export const PAYEE = `0x${'9a'.repeat(20)}`
export const REQUESTER = 'aa'.repeat(32)
export const CHANNEL_DEPOSIT = 1_000n
export const MIN_REMAINING_MS = 600_000

export type Payment = SignedVoucher & { taskAmount: bigint }

interface Side<Channels> {
  channels: Channels
  store: GatedStore
  close: () => Promise<void>
  /** Events of the chain it has seen. */
  seen: number
}

/** One task on its way: the request travels, the acceptance travels, payments travel in order. */
export interface WorldTask {
  lease: ChannelLease
  needed: bigint
  /** The voucher shown in the request, as it was when that was written. */
  shown: SignedVoucher | null
  payee: PayeeLease | null
  accepted: { voucher: SignedVoucher | null } | null
  isRunning: boolean
  /** Payments signed and not arrived yet. */
  travelling: Payment[]
}

/** A payer, a payee and the chain between them, each restarted from its own disk at will. */
export class ChannelWorld {
  readonly clock = new ManualClock()
  readonly ledger: MemorySettlement
  readonly tasks: WorldTask[] = []
  /** Every voucher ever signed, in order. */
  readonly signed: Payment[] = []
  /** What was asked to be paid, over all tasks of all times. */
  asked = 0n
  /** What the payee has counted as pay, over all tasks of all times. */
  counted = 0n
  readonly #root: string
  readonly #limitPerDay: bigint
  #payer: (Side<PayerChannels> & { spending: SpendingLimit; log: EventLog }) | null = null
  #payee: Side<PayeeChannels> | null = null
  #salt = 0

  private constructor(root: string, limitPerDay: bigint, balance: bigint) {
    this.#root = root
    this.#limitPerDay = limitPerDay
    this.ledger = new MemorySettlement({ payer: payerWallet.address, balance })
  }

  static async make(root: string, limitPerDay = 10n ** 30n, balance = 10n ** 30n): Promise<ChannelWorld> {
    const world = new ChannelWorld(root, limitPerDay, balance)
    await world.restartPayer()
    await world.restartPayee()
    return world
  }

  get payer(): PayerChannels {
    return this.#payer!.channels
  }

  get spending(): SpendingLimit {
    return this.#payer!.spending
  }

  get payee(): PayeeChannels {
    return this.#payee!.channels
  }

  async stop(): Promise<void> {
    this.#dropAll()
    await this.#payer?.close()
    await this.#payee?.close()
  }

  async restartPayer(): Promise<void> {
    this.#dropAll()
    await this.#payer?.close()
    const { ledger, clock } = this
    const gated = await GatedStore.open(join(this.#root, 'payer'))
    const { store } = gated
    const log = await EventLog.open(
      { path: join(this.#root, 'payer.log'), knownSequence: await AuditOutbox.knownSequence(store) },
      { signer: createNativeNodeSigner(new Uint8Array(32).fill(7)), clock },
    )
    const outbox = new AuditOutbox({ store, log })
    await outbox.recover()
    const spending = new SpendingLimit({ limitPerDay: this.#limitPerDay }, { store, clock })
    await spending.start()
    const channels = new PayerChannels(
      { channelDeposit: CHANNEL_DEPOSIT, channelLifetimeMs: 7 * 24 * 3_600_000 },
      {
        client: ledger.client(),
        publisher: ledger.publisher(),
        wallet: payerWallet,
        store,
        outbox,
        spending,
        clock,
        log: silentLog,
        randomSalt: () => `0x${(++this.#salt).toString(16).padStart(64, '0')}`,
      },
    )
    const close = async () => {
      await log.close()
      await store.close()
    }
    this.#payer = { channels, spending, log, store: gated, close, seen: this.#payer?.seen ?? 0 }
    await channels.start()
    await this.pollPayer()
  }

  async restartPayee(): Promise<void> {
    this.#dropAll()
    await this.#payee?.close()
    const gated = await GatedStore.open(join(this.#root, 'payee'))
    const channels = new PayeeChannels(
      { wallet: PAYEE, minRemainingMs: MIN_REMAINING_MS },
      { client: this.ledger.client(), store: gated.store, clock: this.clock },
    )
    this.#payee = { channels, store: gated, close: () => gated.store.close(), seen: this.#payee?.seen ?? 0 }
    await channels.start()
    await this.pollPayee()
  }

  /** The payer's disk is gone; its wallet is not. */
  async forgetPayer(): Promise<void> {
    await this.#payer?.close()
    await rm(join(this.#root, 'payer'), { recursive: true })
    await rm(join(this.#root, 'payer.log'))
    this.#payer = null
    await this.restartPayer()
  }

  async forgetPayee(): Promise<void> {
    await this.#payee?.close()
    await rm(join(this.#root, 'payee'), { recursive: true })
    this.#payee = null
    await this.restartPayee()
  }

  /** The chain's watchers begin anew. */
  rewind(): void {
    this.#payer!.seen = 0
    this.#payee!.seen = 0
  }

  /** The payer's next write waits. */
  gatePayer(): Gate {
    return this.#payer!.store.gate('payer-channels')
  }

  gatePayee(): Gate {
    return this.#payee!.store.gate('payee-channels')
  }

  /** What the payer's audit log holds. */
  async payerEvents(): Promise<AuditEventDetails[]> {
    const { log } = this.#payer!
    const events: AuditEventDetails[] = []
    for await (const { record } of log.read(1, log.lastSequence))
      events.push(openRecord(auditEventMessage, record, () => true).body.event)
    return events
  }

  /** Waits for openings and top-ups that a former run began. */
  untilFunded(): Promise<void> {
    return waitUntil('nothing is being funded', () =>
      this.payer.list().every(({ state, pendingTopUp }) => state !== 'opening' && pendingTopUp === null),
    )
  }

  async pollPayer(): Promise<void> {
    await poll(this.#payer!, this.ledger)
  }

  async pollPayee(): Promise<void> {
    await poll(this.#payee!, this.ledger)
  }

  /** Writes the request of a new task; null when no channel could be had, as the chain was made to fail. */
  async request(needed: bigint, fate: Fate = 'confirmed'): Promise<WorldTask | null> {
    this.ledger.fate = fate
    const { lost } = this.ledger
    const acquiring = this.payer.acquire({ payee: PAYEE, needed, minRemainingMs: MIN_REMAINING_MS })
    // Who waits for a transaction whose outcome is lost waits for the death of its node.
    const lease = await Promise.race([acquiring, lost])
      .catch(error => {
        assert.ok(error instanceof PaymentError, String(error))
        // The limit refuses whatever the chain would have done; whoever set one expects it.
        if (error.code === 'SPENDING_LIMIT') throw error
        assert.ok(fate === 'reverted' || fate === 'rejected', error.message)
        return null
      })
      .finally(() => {
        this.ledger.fate = 'confirmed'
      })
    if (lease === 'lost') await this.restartPayer()
    if (lease === null || lease === 'lost') return null
    const task: WorldTask = {
      lease,
      needed,
      shown: lease.voucher(),
      payee: null,
      accepted: null,
      isRunning: false,
      travelling: [],
    }
    this.tasks.push(task)
    return task
  }

  /** The request arrives. */
  async admit(task: WorldTask): Promise<void> {
    const payee = await this.payee.admit({
      channelId: task.lease.channelId,
      payer: payerWallet.address,
      requester: REQUESTER,
      voucher: task.shown,
    })
    await payee.reserve(task.needed)
    task.payee = payee
    task.accepted = { voucher: payee.voucher() }
  }

  /** The acceptance arrives. */
  async accept(task: WorldTask): Promise<void> {
    if (task.accepted?.voucher != null) await task.lease.adopt(task.accepted.voucher)
    task.isRunning = true
  }

  /** Signs the next payment of a task, which then travels. */
  async pay(task: WorldTask, more: bigint): Promise<void> {
    const taskAmount = task.lease.paid + more
    const voucher = await task.lease.payTo(taskAmount)
    this.asked += more
    const payment = { ...voucher, taskAmount }
    this.signed.push(payment)
    task.travelling.push(payment)
  }

  /** The next payment of a task arrives. */
  async deliver(task: WorldTask): Promise<void> {
    const payment = task.travelling.shift()
    if (payment === undefined) return
    const before = task.payee!.paid
    await task.payee!.pay(payment)
    assert.equal(task.payee!.paid, payment.taskAmount)
    this.counted += task.payee!.paid - before
  }

  async finish(task: WorldTask): Promise<void> {
    while (task.travelling.length > 0) await this.deliver(task)
    assert.equal(task.payee!.paid, task.lease.paid)
    this.drop(task)
  }

  /** The connection breaks: what travels is lost. */
  drop(task: WorldTask): void {
    task.lease.release()
    task.payee?.release()
    this.tasks.splice(this.tasks.indexOf(task), 1)
  }

  settle(): void {
    this.ledger.settle(this.payee.claimable(0n))
  }

  /** A task from its beginning to its end. */
  async wholeTask(needed: bigint): Promise<void> {
    const task = await this.request(needed)
    assert.ok(task !== null)
    await this.admit(task)
    await this.accept(task)
    await this.pay(task, needed / 2n)
    await this.pay(task, needed - needed / 2n)
    await this.finish(task)
  }

  /** What must hold whatever has happened. */
  check(): void {
    const verifier = new VoucherVerifier({
      chainId: this.ledger.chainId,
      settlement: this.ledger.addresses.settlement,
    })
    const paying = this.payer.list()
    const earning = this.payee.list()
    let signed = 0n
    let best = 0n
    for (const { channelId, cumulative, signature, deposit, signer, reserved } of paying) {
      signed += cumulative
      assert.ok(cumulative + reserved <= deposit, 'the payer promises what it has')
      if (signature !== null) {
        assert.ok(verifier.isSignedBy(signer, { channelId, cumulativeAmount: cumulative, signature }))
      }
    }
    for (const { channelId, cumulative, signature, claimed } of earning) {
      best += cumulative
      const onChain = this.ledger.channels.get(channelId)!
      assert.ok(cumulative <= onChain.deposit, 'the best voucher is within the deposit')
      assert.ok(claimed <= cumulative && onChain.claimed <= cumulative)
      if (signature !== null) {
        const voucher = { channelId, cumulativeAmount: cumulative, signature }
        assert.ok(verifier.isSignedBy(onChain.signer, voucher), 'the best voucher can be claimed')
      } else assert.equal(cumulative, 0n)
      const payers = paying.find(channel => channel.channelId === channelId)
      assert.ok(payers === undefined || cumulative <= payers.cumulative, 'nobody has what was not signed')
    }
    for (const { lease, payee, isRunning, needed } of this.tasks) {
      if (!isRunning || payee === null) continue
      for (const amount of [0n, payee.paid, lease.paid, needed])
        assert.ok(
          payee.cumulativeFor(amount) <= lease.cumulativeFor(amount),
          'a receipt says no more than the payer will have signed',
        )
    }
    assert.equal(signed, this.asked, 'the payer signs what it was asked to pay, and no more')
    assert.ok(this.counted <= best, 'the payee counts no more than it can claim')
  }

  #dropAll(): void {
    for (const task of [...this.tasks]) this.drop(task)
  }
}

async function poll(
  side: Side<{ onChainEvent: PayerChannels['onChainEvent'] }>,
  ledger: MemorySettlement,
): Promise<void> {
  while (side.seen < ledger.events.length) {
    const event = ledger.events[side.seen]!
    await side.channels.onChainEvent(event)
    side.seen++
  }
}
