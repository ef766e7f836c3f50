import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import { isShoalError } from '../../protocol/errors.ts'
import type { Address, ChannelId, NodeKey } from '../../protocol/ids.ts'
import type { Receipt } from '../../protocol/messages/receipt.ts'
import type { OnChainChannel } from '../chain/client.ts'
import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'

/** What the chain says of a receipt: `unpaid` may still come, `unknown` could not be asked, `false` is a lie. */
export type PaymentProof = 'paid' | 'unpaid' | 'false' | 'unknown'

/** What of the chain is read. */
export interface PaymentReader {
  channel: (channelId: ChannelId) => Promise<OnChainChannel | null>
  nodeKeyOf: (wallet: Address) => Promise<NodeKey | null>
}

export interface PaidReceiptsModules {
  /** Null while the chain has not answered. */
  reader: () => PaymentReader | null
  store: Store
  clock: Clock
}

const countedSchema = z.strictObject({ amount: wire.amount, endedAtMs: wire.timeMs })
type Counted = z.infer<typeof countedSchema>

const FRESH_MS = 60_000
const MAX_REMEMBERED = 2_000

/**
 * Whether a receipt was paid on chain: its channel is between the wallets it names, each wallet declares the node
 * that signed, and the provider has claimed that much. All receipts of a channel together count no further than
 * what was claimed on it: one payment vouches for no more than itself.
 */
export class PaidReceipts {
  readonly #modules: PaidReceiptsModules
  readonly #table: Table<Counted>
  readonly #counted = new Map<ChannelId, Counted>()
  readonly #channels: Remembered<OnChainChannel | null>
  readonly #keys: Remembered<NodeKey | null>

  constructor(modules: PaidReceiptsModules) {
    this.#modules = modules
    this.#channels = new Remembered(modules)
    this.#keys = new Remembered(modules)
    this.#table = modules.store.table('trust-channels', countedSchema)
  }

  async start(): Promise<void> {
    for await (const [channelId, counted] of this.#table.entries()) this.#counted.set(channelId, counted)
  }

  async check(receipt: Receipt): Promise<PaymentProof> {
    const reader = this.#modules.reader()
    if (reader === null) return 'unknown'
    try {
      const { channelId, payer, payee, requester, provider, amount, cumulativeAmount } = receipt
      const channel = await this.#channels.get(channelId, () => reader.channel(channelId))
      if (channel === null || channel.payer !== payer || channel.payee !== payee) return 'false'
      const keys = await Promise.all(
        [payer, payee].map(wallet => this.#keys.get(wallet, () => reader.nodeKeyOf(wallet))),
      )
      // Who has declared no key yet may still do so.
      if (keys.includes(null)) return 'unpaid'
      if (keys[0] !== requester || keys[1] !== provider) return 'false'
      const counted = this.#counted.get(channelId)?.amount ?? 0n
      return channel.claimed >= cumulativeAmount && channel.claimed >= counted + amount ? 'paid' : 'unpaid'
    } catch (error) {
      if (isShoalError(error, 'CHAIN_UNREACHABLE') || isShoalError(error, 'TRANSACTION_REJECTED'))
        return 'unknown'
      throw error
    }
  }

  /** Uses up a receipt's part of what was claimed on its channel. */
  async count({ channelId, amount, endedAtMs }: Receipt): Promise<void> {
    const before = this.#counted.get(channelId)
    const counted = {
      amount: (before?.amount ?? 0n) + amount,
      endedAtMs: Math.max(before?.endedAtMs ?? 0, endedAtMs),
    }
    this.#counted.set(channelId, counted)
    await this.#table.put(channelId, counted, { sync: false })
  }

  /** Forgets channels on whose receipts no report is taken any more. */
  async forgetBefore(timeMs: number): Promise<void> {
    const operations: BatchOperation[] = []
    for (const [channelId, { endedAtMs }] of this.#counted) {
      if (endedAtMs >= timeMs) continue
      this.#counted.delete(channelId)
      operations.push(this.#table.deleteOperation(channelId))
    }
    if (operations.length > 0) await this.#modules.store.batch(operations, { sync: false })
  }
}

/** Answers of the chain, good for a while. */
class Remembered<V> {
  readonly #clock: Clock
  readonly #known = new Map<string, { value: V; atMs: number }>()

  constructor(modules: { clock: Clock }) {
    this.#clock = modules.clock
  }

  async get(key: string, read: () => Promise<V>): Promise<V> {
    const nowMs = this.#clock.nowMs()
    const known = this.#known.get(key)
    if (known !== undefined && nowMs - known.atMs < FRESH_MS) return known.value
    const value = await read()
    this.#known.delete(key)
    this.#known.set(key, { value, atMs: nowMs })
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    return value
  }
}
