import type { ChannelEvent } from '../../../../node/chain/channel-watcher.ts'
import type { ChainClient, OnChainChannel } from '../../../../node/chain/client.ts'
import { contractInterfaces } from '../../../../node/chain/client.ts'
import type { Publisher, TransactionIntent, TransactionOutcome } from '../../../../node/chain/publisher.ts'
import { VoucherVerifier } from '../../../../node/payments/vouchers.ts'
import type { Address } from '../../../../protocol/ids.ts'
import { minAmount } from '../../../../protocol/money.ts'
import { channelIdOf } from '../../../../protocol/typed-data.ts'

const SETTLEMENT = `0x${'5e'.repeat(20)}`
const CLOSE_DELAY_MS = 3_600_000

/**
 * What becomes of the next transaction. `lost before` and `lost after`: the sender dies before it was sent, or
 * after it was mined; either way it never hears the outcome.
 */
export type Fate = 'confirmed' | 'reverted' | 'rejected' | 'lost before' | 'lost after'

/**
 * The channels of Settlement in memory, with the outcomes of transactions by their id as the publisher keeps
 * them: thousands of random histories run against it in seconds. The real contract and publisher stand in
 * the integration tests.
 */
export class MemorySettlement {
  readonly chainId = 31337
  readonly addresses = {
    creditToken: `0x${'c7'.repeat(20)}`,
    staking: `0x${'57'.repeat(20)}`,
    nodeRegistry: `0x${'4e'.repeat(20)}`,
    settlement: SETTLEMENT,
    auditAnchor: `0x${'aa'.repeat(20)}`,
  }
  readonly channels = new Map<string, OnChainChannel>()
  /** In the order of the chain. */
  readonly events: ChannelEvent[] = []
  /** Credits of the one payer that are in no channel. */
  balance: bigint
  earned = 0n
  fate: Fate = 'confirmed'
  readonly #payer: Address
  readonly #outcomes = new Map<string, TransactionOutcome>()
  readonly #verifier = new VoucherVerifier({ chainId: this.chainId, settlement: SETTLEMENT })
  #blockNumber = 0
  #lost = Promise.withResolvers<'lost'>()

  constructor(options: { payer: Address; balance: bigint }) {
    this.#payer = options.payer
    this.balance = options.balance
  }

  /** Resolves when the outcome of a transaction is lost. */
  get lost(): Promise<'lost'> {
    return this.#lost.promise
  }

  client(): ChainClient {
    const { chainId, addresses } = this
    return {
      chainId,
      addresses,
      channel: (channelId: string) => {
        const channel = this.channels.get(channelId)
        return Promise.resolve(channel === undefined ? null : { ...channel })
      },
      balances: () =>
        Promise.resolve({ gas: 10n ** 18n, credits: 0n, settlementCredits: this.balance, stake: 0n }),
      settlementAllowance: () => Promise.resolve(0n),
      closeDelayMs: () => Promise.resolve(CLOSE_DELAY_MS),
    } as unknown as ChainClient
  }

  publisher(): Publisher {
    return { submit: (intent: TransactionIntent) => this.#submit(intent) } as unknown as Publisher
  }

  /** Pays vouchers as the contract does: the deposit at most, each only once. */
  settle(vouchers: readonly { channelId: string; cumulative: bigint; signature: string }[]): void {
    this.#blockNumber++
    for (const { channelId, cumulative, signature } of vouchers) {
      const channel = this.channels.get(channelId)
      if (channel === undefined || channel.status === 'closed') continue
      const claimable = minAmount(cumulative, channel.deposit)
      if (claimable <= channel.claimed) continue
      const voucher = { channelId, cumulativeAmount: cumulative, signature }
      if (!this.#verifier.isSignedBy(channel.signer, voucher)) throw new Error('a voucher is not signed')
      const amount = claimable - channel.claimed
      channel.claimed = claimable
      this.earned += amount
      this.#tell({ kind: 'settled', channelId, amount, claimed: claimable })
    }
  }

  close(channelId: string): void {
    this.#blockNumber++
    const channel = this.channels.get(channelId)!
    const refunded = channel.deposit - channel.claimed
    this.balance += refunded
    this.channels.set(channelId, { ...channel, status: 'closed' })
    this.#tell({ kind: 'closing', channelId, closesAtMs: channel.expiresAtMs })
    this.#tell({ kind: 'closed', channelId, claimed: channel.claimed, refunded })
  }

  #submit({ id, data }: TransactionIntent): Promise<TransactionOutcome> {
    const earlier = this.#outcomes.get(id)
    if (earlier !== undefined) return Promise.resolve(earlier)
    const { fate } = this
    this.fate = 'confirmed'
    if (fate === 'lost before') return this.#lose()
    if (fate === 'rejected')
      return Promise.resolve({ status: 'rejected', reason: 'would_revert', errorName: null })
    this.#blockNumber++
    const blockNumber = this.#blockNumber
    const hash = this.#hash()
    if (fate === 'reverted') {
      this.#outcomes.set(id, { status: 'reverted', hash, blockNumber })
    } else {
      this.#apply(data)
      this.#outcomes.set(id, { status: 'confirmed', hash, blockNumber })
    }
    return fate === 'lost after' ? this.#lose() : Promise.resolve(this.#outcomes.get(id)!)
  }

  #lose(): Promise<never> {
    this.#lost.resolve('lost')
    this.#lost = Promise.withResolvers()
    return new Promise(() => {})
  }

  #apply(data: string): void {
    const { name, args } = contractInterfaces.settlement.parseTransaction({ data })!
    if (name === 'depositAndOpen') {
      const [payee, signer, salt, expiresAt, amount] = args as unknown as [
        string,
        string,
        string,
        bigint,
        bigint,
      ]
      const domain = { chainId: this.chainId, settlement: SETTLEMENT }
      const channelId = channelIdOf(domain, this.#payer, payee.toLowerCase(), salt)
      if (this.channels.has(channelId)) throw new Error('the channel exists')
      this.#take(amount)
      const opened = {
        channelId,
        payer: this.#payer,
        payee: payee.toLowerCase(),
        signer: signer.toLowerCase(),
        deposit: amount,
        expiresAtMs: Number(expiresAt) * 1_000,
      }
      this.channels.set(channelId, { ...opened, claimed: 0n, closesAtMs: null, status: 'open' })
      this.#tell({ kind: 'opened', salt, ...opened })
    } else if (name === 'depositAndTopUp') {
      const [channelId, amount] = args as unknown as [string, bigint]
      const channel = this.channels.get(channelId)!
      this.#take(amount)
      channel.deposit += amount
      this.#tell({ kind: 'toppedUp', channelId, deposit: channel.deposit })
    } else throw new Error(`no ${name} here`)
  }

  #take(amount: bigint): void {
    if (amount <= 0n) throw new Error('ZeroAmount')
    if (amount > this.balance) throw new Error('the payer has too little')
    this.balance -= amount
  }

  #tell(event: ChannelEvent extends infer E ? (E extends unknown ? Omit<E, 'transaction'> : never) : never) {
    this.events.push({ ...event, transaction: this.#hash() } as ChannelEvent)
  }

  #hash(): string {
    return `0x${this.#blockNumber.toString(16).padStart(64, '0')}`
  }
}
