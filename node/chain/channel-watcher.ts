import { toQuantity, zeroPadValue } from 'ethers/utils'
import { wire } from '../../protocol/codec.ts'
import type { Address, Bytes32, ChannelId } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { ChainPoller } from './chain-poller.ts'
import { type ChainClient, contractInterfaces } from './client.ts'

export interface ChannelWatcherOptions {
  /** Our wallet: channels it pays into or is paid by. */
  wallet: Address
  /** Blocks an event must be deep, its own included, to be told. */
  confirmations: number
  pollIntervalMs: number
}

export interface ChannelWatcherModules {
  client: ChainClient
  store: Store
  clock: Clock
  log: Logger
  /** Takes events in the order of the chain; must bear to see one twice. */
  onEvents: (events: readonly ChannelEvent[]) => Promise<void>
}

/** What happened to a channel on chain. */
export type ChannelEvent = { channelId: ChannelId; transaction: Bytes32 } & (
  | {
      kind: 'opened'
      payer: Address
      payee: Address
      signer: Address
      salt: Bytes32
      expiresAtMs: number
      deposit: bigint
    }
  | { kind: 'toppedUp'; deposit: bigint }
  /** `claimed` in total. */
  | { kind: 'settled'; amount: bigint; claimed: bigint }
  | { kind: 'closing'; closesAtMs: number }
  | { kind: 'closed'; claimed: bigint; refunded: bigint }
)

/** Blocks asked for at once; public RPCs allow a few thousand. */
const MAX_BLOCK_RANGE = 2_000
const MAX_IDS_PER_QUERY = 200
const CURSOR_TABLE = 'channel-watcher'
const CURSOR = 'next-block'

const settlement = contractInterfaces.settlement
const topicOf = (event: string) => settlement.getEvent(event)!.topicHash
const LATER_EVENTS = ['ChannelToppedUp', 'VoucherSettled', 'ChannelClosing', 'ChannelClosed'].map(topicOf)

/**
 * Tells of every event of our channels, each block once it is deep enough, from the contracts' first block
 * on: a wallet that comes back after years, or with a lost database, finds all its money again. The place
 * it has read to is kept on disk.
 */
export class ChannelWatcher {
  readonly #options: ChannelWatcherOptions
  readonly #modules: ChannelWatcherModules
  readonly #cursor: Table<number>
  readonly #channels = new Set<ChannelId>()
  readonly #poller: ChainPoller
  #nextBlock = 0

  constructor(options: ChannelWatcherOptions, modules: ChannelWatcherModules) {
    this.#options = options
    this.#modules = modules
    const { clock, log } = modules
    this.#poller = new ChainPoller(
      { what: 'channel events', intervalMs: options.pollIntervalMs },
      { clock, log, round: () => this.#poll() },
    )
    this.#cursor = modules.store.table(CURSOR_TABLE, wire.count)
  }

  /** @param known channels whose later events are wanted from the start */
  async start(known: readonly ChannelId[]): Promise<void> {
    for (const channelId of known) this.#channels.add(channelId)
    this.#nextBlock = (await this.#cursor.get(CURSOR)) ?? this.#modules.client.deployment.deploymentBlock
    this.#poller.start()
  }

  /** Idempotent; waits for the round in progress. */
  async stop(): Promise<void> {
    await this.#poller.stop()
  }

  /**
   * Reads what is new now instead of at the next interval.
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  poll(): Promise<void> {
    return this.#poller.now()
  }

  async #poll(): Promise<void> {
    const head = await this.#modules.client.blockNumber()
    const last = head - this.#options.confirmations + 1
    while (this.#nextBlock <= last && !this.#poller.isStopped) {
      const toBlock = Math.min(last, this.#nextBlock + MAX_BLOCK_RANGE - 1)
      const events = await this.#read(this.#nextBlock, toBlock)
      if (events.length > 0) await this.#modules.onEvents(events)
      for (const { kind, channelId } of events) if (kind === 'closed') this.#channels.delete(channelId)
      this.#nextBlock = toBlock + 1
      await this.#cursor.put(CURSOR, this.#nextBlock, { sync: false })
    }
  }

  async #read(fromBlock: number, toBlock: number): Promise<ChannelEvent[]> {
    const us = zeroPadValue(this.#options.wallet, 32)
    const opened = topicOf('ChannelOpened')
    const range = { fromBlock, toBlock }
    const openings = (
      await Promise.all([
        this.#logs({ ...range, topics: [opened, null, us] }),
        this.#logs({ ...range, topics: [opened, null, null, us] }),
      ])
    ).flat()
    for (const { topics } of openings) this.#channels.add(topics[1]!)
    const ids = [...this.#channels]
    const later: RawLog[] = []
    for (let i = 0; i < ids.length; i += MAX_IDS_PER_QUERY) {
      later.push(
        ...(await this.#logs({ ...range, topics: [LATER_EVENTS, ids.slice(i, i + MAX_IDS_PER_QUERY)] })),
      )
    }
    const seen = new Set<string>()
    return [...openings, ...later]
      .sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index)
      .flatMap(log => {
        // A channel to ourselves is found by both queries.
        const place = `${log.blockNumber}:${log.index}`
        if (seen.has(place)) return []
        seen.add(place)
        return parseLog(log) ?? []
      })
  }

  async #logs(filter: { fromBlock: number; toBlock: number; topics: unknown[] }): Promise<RawLog[]> {
    const raw = (await this.#modules.client.request('eth_getLogs', [
      {
        address: this.#modules.client.addresses.settlement,
        fromBlock: toQuantity(filter.fromBlock),
        toBlock: toQuantity(filter.toBlock),
        topics: filter.topics,
      },
    ])) as {
      blockNumber: string
      logIndex: string
      topics: string[]
      data: string
      transactionHash: string
    }[]
    return raw.map(log => ({
      blockNumber: Number(log.blockNumber),
      index: Number(log.logIndex),
      topics: log.topics,
      data: log.data,
      transaction: log.transactionHash,
    }))
  }
}

interface RawLog {
  blockNumber: number
  index: number
  topics: string[]
  data: string
  transaction: string
}

/** Reads one log of Settlement; null when it is none of a channel's. */
export function parseLog(log: {
  topics: readonly string[]
  data: string
  transaction: string
}): ChannelEvent | null {
  const parsed = settlement.parseLog(log)
  if (parsed === null) return null
  const { name, args } = parsed
  const common = { channelId: args.channelId as string, transaction: log.transaction }
  switch (name) {
    case 'ChannelOpened':
      return {
        ...common,
        kind: 'opened',
        payer: (args.payer as string).toLowerCase(),
        payee: (args.payee as string).toLowerCase(),
        signer: (args.signer as string).toLowerCase(),
        salt: args.salt as string,
        expiresAtMs: Number(args.expiresAt) * 1_000,
        deposit: args.amount as bigint,
      }
    case 'ChannelToppedUp':
      return { ...common, kind: 'toppedUp', deposit: args.deposit as bigint }
    case 'VoucherSettled':
      return { ...common, kind: 'settled', amount: args.amount as bigint, claimed: args.claimed as bigint }
    case 'ChannelClosing':
      return { ...common, kind: 'closing', closesAtMs: Number(args.closableAt) * 1_000 }
    case 'ChannelClosed':
      return { ...common, kind: 'closed', claimed: args.claimed as bigint, refunded: args.refunded as bigint }
    default:
      return null
  }
}
