import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import pLimit from 'p-limit'
import type { Bytes32 } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { ChannelWatcher } from '../chain/channel-watcher.ts'
import { encodeCall, type Publisher, type TransactionOutcome } from '../chain/publisher.ts'
import type { RecordedCalls } from '../chain/recorded-calls.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import { PaymentError } from './errors.ts'
import type { PayeeChannel, PayeeChannels } from './payee-channels.ts'
import type { Settlement, SettlementLedger } from './settlement-ledger.ts'
import type { Wallet } from './wallet.ts'

export interface SettlerOptions {
  settleEveryMs: number
  /** Smaller earnings of a channel wait, unless it ends. */
  settleAbove: bigint
}

export interface SettlerModules {
  channels: PayeeChannels
  publisher: Publisher
  calls: RecordedCalls
  watcher: Pick<ChannelWatcher, 'poll'>
  ledger: SettlementLedger
  wallet: Wallet
  clock: Clock
  log: Logger
}

/** Vouchers in one transaction: about 30,000 gas each. */
const MAX_VOUCHERS = 100
/** Earnings are claimed at the latest so long before their channel ends, or at half of what is left. */
const MIN_SAFETY_MS = 120_000
const CHECK_EVERY_MS = 15_000

/** Claims what was earned, by itself: at intervals, and always before a channel ends. */
export class Settler {
  readonly #options: SettlerOptions
  readonly #modules: SettlerModules
  readonly #one = pLimit(1)
  #timer: Timer | null = null
  #lastMs: number

  constructor(options: SettlerOptions, modules: SettlerModules) {
    this.#options = options
    this.#modules = modules
    this.#lastMs = modules.clock.nowMs()
  }

  start(): void {
    const checkEveryMs = Math.min(CHECK_EVERY_MS, this.#options.settleEveryMs)
    this.#timer = repeat(this.#modules.clock, checkEveryMs, async () => {
      try {
        await this.#settleWhenDue()
      } catch (error) {
        this.#modules.log.warn({ err: error }, 'settling failed; it is tried again')
      }
    })
  }

  /** Idempotent; begins nothing more. */
  stop(): void {
    this.#timer?.cancel()
  }

  /**
   * Claims all earnings now.
   * @throws {PaymentError} NOTHING_TO_SETTLE, SETTLEMENT_FAILED
   */
  async settleNow(): Promise<Settlement[]> {
    const settlements = await this.#settle(this.#modules.channels.claimable(0n))
    if (settlements.length === 0) {
      throw new PaymentError('NOTHING_TO_SETTLE', 'there are no earnings to claim', {
        fix: 'Earnings come from tasks done for others; shoal receipts lists them.',
      })
    }
    return settlements
  }

  /**
   * Moves credits from Settlement to the wallet.
   * @throws {PaymentError} WITHDRAWAL_FAILED
   */
  async withdraw(amount: bigint, id: string): Promise<Bytes32> {
    const { calls, wallet } = this.#modules
    const outcome = await calls.run({
      id: `withdraw:${id}`,
      contract: 'settlement',
      data: encodeCall('settlement', 'withdraw', [wallet.address, amount]),
      event: { kind: 'withdrawal.confirmed', v: 1, amount },
    })
    if (outcome.status === 'confirmed') return outcome.hash
    throw failed('WITHDRAWAL_FAILED', `${formatCredits(amount)} credits were not withdrawn`, outcome)
  }

  async #settleWhenDue(): Promise<void> {
    const { channels, clock } = this.#modules
    const nowMs = clock.nowMs()
    const isInterval = nowMs - this.#lastMs >= this.#options.settleEveryMs
    const ending = channels.claimable(0n).filter(channel => {
      const leftMs = Math.min(channel.closesAtMs ?? channel.expiresAtMs, channel.expiresAtMs) - nowMs
      return channel.state === 'closing' || leftMs <= Math.max(MIN_SAFETY_MS, 2 * this.#options.settleEveryMs)
    })
    if (isInterval) {
      this.#lastMs = nowMs
      await this.#settle(channels.claimable(this.#options.settleAbove))
    }
    if (ending.length > 0) await this.#settle(ending)
  }

  #settle(due: readonly (PayeeChannel & { signature: string })[]): Promise<Settlement[]> {
    return this.#one(async () => {
      const settlements: Settlement[] = []
      for (let i = 0; i < due.length; i += MAX_VOUCHERS) {
        const settlement = await this.#settleBatch(due.slice(i, i + MAX_VOUCHERS))
        if (settlement !== null) settlements.push(settlement)
      }
      return settlements
    })
  }

  async #settleBatch(due: readonly (PayeeChannel & { signature: string })[]): Promise<Settlement | null> {
    const { publisher, watcher, ledger } = this.#modules
    const vouchers = due.map(({ channelId, cumulative, signature }) => [channelId, cumulative, signature])
    // The same vouchers are the same transaction: a crash after sending does not pay the gas twice.
    const digest = bytesToHex(keccak_256(utf8ToBytes(vouchers.map(voucher => voucher.join(':')).join(','))))
    const outcome = await publisher.submit({
      id: `settle:${digest}`,
      contract: 'settlement',
      data: encodeCall('settlement', 'settleMany', [vouchers]),
    })
    if (outcome.status !== 'confirmed')
      throw failed('SETTLEMENT_FAILED', 'the earnings were not claimed', outcome)
    // What the chain says it paid is what counts; the watcher writes it down.
    await watcher.poll()
    return ledger.settlement(outcome.hash)
  }
}

function failed(
  code: 'SETTLEMENT_FAILED' | 'WITHDRAWAL_FAILED',
  message: string,
  outcome: Exclude<TransactionOutcome, { status: 'confirmed' }>,
): PaymentError {
  const why =
    outcome.status === 'rejected' ? (outcome.errorName ?? outcome.reason) : 'the transaction was reverted'
  const fix =
    outcome.status === 'rejected' && outcome.reason === 'insufficient_gas_money'
      ? "Send some of the chain's own coin to the wallet for gas."
      : 'It is tried again; if it stays so, look at the transaction.'
  return new PaymentError(code, `${message}: ${why}`, { fix, details: { why } })
}
