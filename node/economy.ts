import { randomBytes } from 'node:crypto'
import type { NodeKey } from '../protocol/ids.ts'
import { adoptAnchors } from './auditlog/adopt-anchors.ts'
import { type Anchor, Anchorer } from './auditlog/anchorer.ts'
import type { EventLog } from './auditlog/event-log.ts'
import { LogIndex } from './auditlog/log-index.ts'
import type { AuditOutbox } from './auditlog/outbox.ts'
import { bindNodeKey } from './chain/binding.ts'
import { type ChannelEvent, ChannelWatcher } from './chain/channel-watcher.ts'
import type { ChainClient } from './chain/client.ts'
import { Publisher } from './chain/publisher.ts'
import { RecordedCalls } from './chain/recorded-calls.ts'
import { ChainStanding } from './chain/standing.ts'
import { type Clock, repeat, type Timer } from './clock.ts'
import type { Config } from './config/settings.ts'
import type { Logger } from './log.ts'
import { CloudSpending } from './payments/cloud-spending.ts'
import { PayeeChannels } from './payments/payee-channels.ts'
import { PayerChannels } from './payments/payer-channels.ts'
import { type Settlement, SettlementLedger } from './payments/settlement-ledger.ts'
import { Settler } from './payments/settler.ts'
import { SpendingLimit } from './payments/spending.ts'
import { Staker } from './payments/staker.ts'
import type { Wallet } from './payments/wallet.ts'
import type { Store } from './store/store.ts'

export interface EconomyOptions {
  config: Config
  nodeKey: NodeKey
  /** Blocks until a transaction counts. */
  confirmations: number
}

export interface EconomyModules {
  client: ChainClient
  wallet: Wallet
  store: Store
  outbox: AuditOutbox
  eventLog: EventLog
  clock: Clock
  log: Logger
  onSettled: (settlement: Settlement) => void
  onAnchored: (anchor: Anchor) => void
}

const BUMP_AFTER_MS = 60_000
const RECLAIM_EVERY_MS = 60_000

/** Everything of a node that needs the chain: built once it answers, stopped with the node. */
export class Economy {
  readonly client: ChainClient
  readonly publisher: Publisher
  readonly spending: SpendingLimit
  readonly cloudSpending: CloudSpending
  readonly payer: PayerChannels
  readonly payee: PayeeChannels
  readonly settler: Settler
  readonly staker: Staker
  readonly anchorer: Anchorer
  readonly standing: ChainStanding
  /** Calls whose confirmation is an audit event. */
  readonly calls: RecordedCalls
  /** Where receipts and anchors stand in our log. */
  readonly logIndex: LogIndex
  readonly #options: EconomyOptions
  readonly #modules: EconomyModules
  readonly #watcher: ChannelWatcher
  readonly #ledger: SettlementLedger
  #reclaiming: Timer | null = null

  constructor(options: EconomyOptions, modules: EconomyModules) {
    const { config, confirmations } = options
    const { client, wallet, store, outbox, eventLog, clock, log } = modules
    this.#options = options
    this.#modules = modules
    this.client = client
    const pollIntervalMs = config['chain.pollEvery']
    this.publisher = new Publisher(
      { confirmations, pollIntervalMs, bumpAfterMs: BUMP_AFTER_MS },
      { client, wallet, store, clock, log },
    )
    this.calls = new RecordedCalls({ publisher: this.publisher, outbox, store, log })
    this.logIndex = new LogIndex({ log: eventLog, store })
    this.standing = new ChainStanding({}, { client, clock, log })
    this.spending = new SpendingLimit({ limitPerDay: config['spending.limitPerDay'] }, { store, clock })
    this.cloudSpending = new CloudSpending({ limit: this.spending, store, clock })
    this.payer = new PayerChannels(
      {
        channelDeposit: config['spending.channelDeposit'],
        channelLifetimeMs: config['spending.channelLifetime'],
      },
      {
        client,
        publisher: this.publisher,
        wallet,
        store,
        outbox,
        spending: this.spending,
        clock,
        log,
        randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
      },
    )
    this.payee = new PayeeChannels(
      { wallet: wallet.address, minRemainingMs: config['earning.minChannelRemaining'] },
      { client, store, clock },
    )
    this.#ledger = new SettlementLedger({ store, outbox, channels: this.payee, onSettled: modules.onSettled })
    this.#watcher = new ChannelWatcher(
      { wallet: wallet.address, confirmations, pollIntervalMs },
      { client, store, clock, log, onEvents: events => this.#onChainEvents(events) },
    )
    this.settler = new Settler(
      { settleEveryMs: config['earning.settleEvery'], settleAbove: config['earning.settleAbove'] },
      {
        channels: this.payee,
        publisher: this.publisher,
        calls: this.calls,
        watcher: this.#watcher,
        ledger: this.#ledger,
        wallet,
        clock,
        log,
      },
    )
    this.staker = new Staker({
      client,
      calls: this.calls,
      channels: this.payer,
      wallet,
      clock,
      randomId: () => randomBytes(8).toString('hex'),
    })
    this.anchorer = new Anchorer(
      { anchorEveryMs: config['audit.anchorEvery'] },
      {
        log: eventLog,
        client,
        calls: this.calls,
        wallet,
        clock,
        logger: log,
        onAnchored: modules.onAnchored,
        adopt: () => adoptAnchors({ client, outbox, index: this.logIndex, wallet: wallet.address }),
      },
    )
  }

  async start(): Promise<void> {
    const { clock, log } = this.#modules
    await this.spending.start()
    await this.payee.start()
    await this.publisher.start()
    await this.calls.start()
    await this.payer.start()
    const known = [...this.payer.list(), ...this.payee.list()].filter(({ state }) => state !== 'closed')
    await this.#watcher.start(known.map(({ channelId }) => channelId))
    this.settler.start()
    this.anchorer.start()
    this.#reclaiming = repeat(clock, RECLAIM_EVERY_MS, async () => {
      try {
        await this.payer.reclaim()
      } catch (error) {
        log.warn({ err: error }, 'taking back ended channels failed; it is tried again')
      }
    })
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#reclaiming?.cancel()
    await this.cloudSpending.stop()
    this.standing.stop()
    this.settler.stop()
    this.anchorer.stop()
    await this.#watcher.stop()
    await this.publisher.stop()
    this.client.stop()
  }

  /** Blocks until a transaction counts. */
  get confirmations(): number {
    return this.#options.confirmations
  }

  /** Declares our node key on chain. @returns whether it is declared now */
  bind(): Promise<boolean> {
    const { client, wallet } = this.#modules
    return bindNodeKey(
      { nodeKey: this.#options.nodeKey, wallet: wallet.address },
      { client, calls: this.calls },
    )
  }

  async #onChainEvents(events: readonly ChannelEvent[]): Promise<void> {
    // Channels first, so that the ledger knows which are ours.
    for (const event of events) {
      await this.payee.onChainEvent(event)
      await this.payer.onChainEvent(event)
    }
    await this.#ledger.onChainEvents(events)
  }
}
