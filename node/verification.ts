import type { Engine, LoadedModel } from '../inference/engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import type { NodeSigner } from '../protocol/identity.ts'
import type { CidString, NodeKey } from '../protocol/ids.ts'
import type { AuditOutbox } from './auditlog/outbox.ts'
import type { ChainClient } from './chain/client.ts'
import type { ChainStanding } from './chain/standing.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config/settings.ts'
import type { Economy } from './economy.ts'
import type { Logger } from './log.ts'
import type { Clearance } from './market/clearance.ts'
import type { OfferBook } from './market/offer-book.ts'
import type { OfferPublisher } from './market/offer-publisher.ts'
import type { Router } from './market/routing/router.ts'
import type { Metrics } from './metrics.ts'
import type { NodeEvents } from './node-events.ts'
import type { P2PHost } from './p2p/host.ts'
import type { Wallet } from './payments/wallet.ts'
import type { Store } from './store/store.ts'
import type { BatchOperation } from './store/table.ts'
import type { ReceiptBook } from './tasks/receipt-book.ts'
import type { Requester } from './tasks/requester.ts'
import type { AcceptedTask } from './trust/audits/archived-task.ts'
import { AuditBook, type AuditRecord } from './trust/audits/audit-book.ts'
import { AuditDesk } from './trust/audits/audit-desk.ts'
import { AuditDraw } from './trust/audits/audit-draw.ts'
import { AuditPolicy } from './trust/audits/audit-policy.ts'
import { CalibrationGossip } from './trust/audits/calibration-gossip.ts'
import { CalibrationStore } from './trust/audits/calibration-store.ts'
import { LocalAuditor } from './trust/audits/local-auditor.ts'
import { shippedCalibrations } from './trust/audits/shipped-calibrations.ts'
import { TaskArchive } from './trust/audits/task-archive.ts'
import type { AuditVerdict } from './trust/audits/verdict.ts'
import type { Honesty } from './trust/honesty.ts'
import type { Trust } from './trust/trust.ts'

export interface VerificationOptions {
  config: Config
  /** Of the node key; secrets that nobody else knows are derived from it. */
  seed: Uint8Array
}

/** Parts of the node that are there before the chain answers. */
export interface VerificationModules {
  store: Store
  outbox: AuditOutbox
  host: P2PHost
  signer: NodeSigner
  wallet: Wallet
  engine: Engine
  catalog: ModelCatalog
  book: OfferBook
  receipts: ReceiptBook
  trust: Trust
  events: NodeEvents
  metrics: Metrics
  clock: Clock
  log: Logger
}

/** Parts of the node that need the chain. */
export interface VerificationTrade {
  client: ChainClient
  economy: Economy
  clearance: Clearance
  router: Router
  requester: Requester
  /** Null for a node that offers nothing. */
  offers: OfferPublisher | null
}

/**
 * Everything by which this node checks others' work, put together: the archive of tasks, audits, disputes.
 * What needs the chain begins with `useTrade`; the rest does not wait for it.
 */
export class Verification {
  readonly archive: TaskArchive
  readonly audits: AuditDesk
  readonly calibrations: CalibrationStore
  readonly #modules: VerificationModules
  readonly #book: AuditBook
  readonly #local: LocalAuditor
  readonly #calibrationGossip: CalibrationGossip
  #standing: Pick<ChainStanding, 'of'> | null = null
  #unwatch: (() => void) | null = null

  constructor(options: VerificationOptions, modules: VerificationModules) {
    const { config, seed } = options
    const { store, outbox, engine, catalog, trust, clock, log, host, signer, book } = modules
    this.#modules = modules
    const maxAgeMs = config['audits.keepFor']
    this.archive = new TaskArchive({ seed, maxAgeMs }, { store, clock, log })
    this.#book = new AuditBook({ maxAgeMs }, { store, outbox })
    this.#local = new LocalAuditor({ loadModels: config['audits.loadModels'] }, { engine, catalog })
    const { reputation, operators } = trust
    this.calibrations = new CalibrationStore({
      ...{ store, signer, clock, self: host.nodeKey, shipped: shippedCalibrations },
      areDistinct: (a, b) => operators.areDistinct(a, b),
      isTrusted: peer => reputation.isWelcome(peer) && reputation.isKnown(peer),
    })
    this.#calibrationGossip = new CalibrationGossip({
      ...{ host, clock, log, store: this.calibrations },
      isWelcome: peer => reputation.isWelcome(peer),
      isKnownModel: model =>
        engine.status().models.some(({ id }) => id === model) || book.models().includes(model),
    })
    const policy = new AuditPolicy(
      { least: config['audits.leastProbability'], unresolvedLimit: config['audits.unresolvedLimit'] },
      {
        trust: (provider, least) => trust.reputation.auditProbability(provider, least),
        proofOf: provider => trust.reputation.honesty(provider).proof,
        stakeOf: provider => this.#stakeOf(provider),
        paidTo: provider => this.archive.paidTo(provider),
      },
    )
    this.audits = new AuditDesk(
      { share: config['audits.share'] },
      {
        ...{ archive: this.archive, book: this.#book, draw: new AuditDraw(seed), policy },
        auditors: [this.#local],
        calibrations: this.calibrations,
        observe: (provider, evidence, also) => trust.observe(provider, evidence, also),
        ...{ clock, log },
      },
    )
  }

  /** Reads back what is known, and begins what does not need the chain. */
  async start(): Promise<void> {
    const { metrics, engine } = this.#modules
    await this.archive.start()
    await this.calibrations.start()
    this.#calibrationGossip.start()
    await this.#book.start()
    this.audits.on('verdict', verdict => this.#told(verdict))
    metrics.gauge('shoal_audits_waiting', 'Tasks that wait for their audit.', () => this.#book.waiting)
    this.#modules.events.on('event', event => {
      if (event.type === 'model' && event.state === 'ready') this.#local.served(event.model!)
    })
    this.#unwatch ??= engine.onStatus(() => this.audits.wake())
    await this.audits.start()
  }

  /**
   * What is to be written in the same batch as the receipt of a task we have countersigned, so that either all of it
   * is on disk or nothing.
   */
  accept(task: AcceptedTask): BatchOperation[] {
    try {
      // The archive first: what is not kept cannot be audited.
      return [...this.archive.keep(task), ...this.audits.accept(task)]
    } catch (error) {
      // A task is paid and its receipt kept, whatever becomes of its audit.
      this.#modules.log.error({ err: error, receipt: task.record.cid }, 'a task could not be kept')
      return []
    }
  }

  /** What `accept` gave is on disk. */
  accepted(receipt: CidString): void {
    this.audits.accepted(receipt)
  }

  /** What is known of a provider's honesty, for whoever gives out tasks: too much unchecked work is as good as no room. */
  restrain(provider: NodeKey, honesty: Honesty): Honesty {
    return this.audits.isOverdrawn(provider) ? { ...honesty, tasksAtOnce: 0 } : honesty
  }

  /** The models that are for tasks of others: not those loaded for audits alone. */
  offered(models: readonly LoadedModel[]): readonly LoadedModel[] {
    const { borrowed } = this.#local
    return borrowed === null ? models : models.filter(({ id }) => id !== borrowed)
  }

  /** How audits of a provider's work went, model by model. */
  auditsOf(provider: NodeKey): AuditRecord[] {
    return [...this.#book.records()].filter(record => record.provider === provider)
  }

  /** Verdicts, the newest first. */
  verdicts(options: { limit?: number } = {}): AsyncGenerator<AuditVerdict> {
    return this.#book.verdicts(options)
  }

  /** Begins what needs the chain. @returns how to end it again, before the parts given are stopped */
  async useTrade({ economy }: VerificationTrade): Promise<() => Promise<void>> {
    this.#standing = economy.standing
    return async () => {
      this.#standing = null
    }
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#unwatch?.()
    this.#unwatch = null
    await this.#calibrationGossip.stop()
    await this.audits.stop()
    await this.archive.stop()
  }

  /** What a provider has at stake for its own node key, base units; 0 while the chain has not told. */
  #stakeOf(provider: NodeKey): bigint {
    const wallet = this.#modules.book.of(provider)?.offer.wallet
    if (wallet === undefined) return 0n
    const standing = this.#standing?.of(wallet, provider) ?? null
    return standing?.bound === true ? standing.stake : 0n
  }

  #told({ provider, model, receipt, result }: AuditVerdict): void {
    const { metrics, events } = this.#modules
    metrics.audits.inc({ result })
    events.tell({ type: 'audited', provider, model, receipt, result })
  }
}
