import { randomBytes } from 'node:crypto'
import type { SequentialTest } from '../inference/audit/sequential-test.ts'
import type { Engine } from '../inference/engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import type { NodeSigner } from '../protocol/identity.ts'
import type { CidString, ModelId, NodeKey } from '../protocol/ids.ts'
import { countersignatureMessage } from '../protocol/messages/countersignature.ts'
import { receiptMessage } from '../protocol/messages/receipt.ts'
import { openRecord } from '../protocol/signed.ts'
import type { EventLog } from './auditlog/event-log.ts'
import type { AuditOutbox } from './auditlog/outbox.ts'
import { BlockBeacon } from './chain/beacon.ts'
import type { ChainClient } from './chain/client.ts'
import type { ChainStanding } from './chain/standing.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config/settings.ts'
import type { Economy } from './economy.ts'
import type { Logger } from './log.ts'
import type { CapabilityIndex } from './market/capability-index.ts'
import type { Clearance } from './market/clearance.ts'
import type { OfferBook } from './market/offer-book.ts'
import type { OfferPublisher } from './market/offer-publisher.ts'
import type { Router } from './market/routing/router.ts'
import type { Metrics } from './metrics.ts'
import type { ModelServing } from './model-serving.ts'
import type { NodeEvents } from './node-events.ts'
import type { P2PHost } from './p2p/host.ts'
import type { Wallet } from './payments/wallet.ts'
import type { Store } from './store/store.ts'
import type { BatchOperation } from './store/table.ts'
import type { ReceiptBook } from './tasks/receipt-book.ts'
import type { Requester } from './tasks/requester.ts'
import type { TranscriptJudge } from './tasks/transcript-judge.ts'
import type { AcceptedTask } from './trust/audits/archived-task.ts'
import { AuditBook, type AuditRecord } from './trust/audits/audit-book.ts'
import { AuditDesk } from './trust/audits/audit-desk.ts'
import { AuditDraw } from './trust/audits/audit-draw.ts'
import { AuditFavours } from './trust/audits/audit-favours.ts'
import { AuditPolicy } from './trust/audits/audit-policy.ts'
import { AuditorBook } from './trust/audits/auditor-book.ts'
import { CalibrationGossip } from './trust/audits/calibration-gossip.ts'
import { CalibrationStore } from './trust/audits/calibration-store.ts'
import { EligibleAuditors } from './trust/audits/eligible-auditors.ts'
import { EngineJudge } from './trust/audits/engine-judge.ts'
import { LocalAuditor } from './trust/audits/local-auditor.ts'
import { RemoteAuditService } from './trust/audits/remote-audit-service.ts'
import { RemoteAuditors } from './trust/audits/remote-auditors.ts'
import { shippedCalibrations } from './trust/audits/shipped-calibrations.ts'
import { TaskArchive } from './trust/audits/task-archive.ts'
import type { AuditVerdict } from './trust/audits/verdict.ts'
import { Consequences } from './trust/disputes/consequences.ts'
import { Disputes } from './trust/disputes/disputes.ts'
import { Examiner } from './trust/disputes/examination.ts'
import { ReceiptChecker } from './trust/disputes/receipt-check.ts'
import type { Honesty } from './trust/honesty.ts'
import type { Trust } from './trust/trust.ts'

/** A court takes hours where a channel takes seconds: it is looked at that much more seldom. */
const COURT_POLLS = 10

export interface VerificationOptions {
  config: Config
  /** Of the node key; secrets that nobody else knows are derived from it. */
  seed: Uint8Array
}

/** Parts of the node that are there before the chain answers. */
export interface VerificationModules {
  store: Store
  outbox: AuditOutbox
  eventLog: EventLog
  host: P2PHost
  signer: NodeSigner
  wallet: Wallet
  engine: Engine
  serving: Pick<ModelServing, 'offered'>
  catalog: ModelCatalog
  book: OfferBook
  index: CapabilityIndex
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
  readonly consequences: Consequences
  /** Runs tasks again, one by one: for juries, and for who asks. */
  readonly examiner: Examiner
  readonly checker: ReceiptChecker
  readonly transcripts: TranscriptJudge
  readonly #modules: VerificationModules
  readonly #book: AuditBook
  readonly #local: LocalAuditor
  /** What other nodes' words on our tasks are worth. */
  readonly auditors: AuditorBook
  readonly #remote: RemoteAuditors
  readonly #service: RemoteAuditService | null
  readonly #config: Config
  readonly #calibrationGossip: CalibrationGossip
  #disputes: Disputes | null = null
  #standing: Pick<ChainStanding, 'of' | 'want'> | null = null
  #beacon: BlockBeacon | null = null
  #unwatch: (() => void) | null = null

  constructor(options: VerificationOptions, modules: VerificationModules) {
    const { config, seed } = options
    const { store, outbox, engine, catalog, trust, clock, log, host, signer, book } = modules
    this.#modules = modules
    this.#config = config
    const maxAgeMs = config['audits.keepFor']
    this.archive = new TaskArchive({ seed, maxAgeMs }, { store, clock, log })
    this.#book = new AuditBook({ maxAgeMs }, { store, outbox })
    this.#local = new LocalAuditor({ loadModels: config['audits.loadModels'] }, { engine, catalog })
    const { reputation, operators } = trust
    this.calibrations = new CalibrationStore({
      ...{ store, signer, clock, self: host.nodeKey, shipped: shippedCalibrations },
      areDistinct: (a, b) => operators.areDistinct(a, b),
      isTrusted: peer => reputation.isWelcome(peer) && reputation.isKnown(peer),
      baseOf: model => this.#baseOf(model),
    })
    this.#calibrationGossip = new CalibrationGossip({
      ...{ host, clock, log, store: this.calibrations },
      isWelcome: peer => reputation.isWelcome(peer),
      isKnownModel: model =>
        engine.status().models.some(({ id }) => id === model) || book.models().includes(model),
    })
    this.auditors = new AuditorBook({ store, outbox, clock })
    const eligible = new EligibleAuditors(
      { minStake: config['audits.auditorStake'] },
      {
        ...{ index: modules.index, clock, standing: () => this.#standing },
        isWelcome: peer => reputation.isWelcome(peer),
      },
    )
    const favours = new AuditFavours(
      {},
      {
        clock,
        isStaked: peer => {
          const offer = book.of(peer)
          return offer !== null && eligible.isStaked(offer)
        },
      },
    )
    this.#remote = new RemoteAuditors(
      { canaryShare: config['audits.canaryShare'] },
      {
        ...{ host, archive: this.archive, book: this.auditors, favours, calibrations: this.calibrations },
        eligible: model => eligible.of(model),
        areDistinct: (a, b) => operators.areDistinct(a, b),
        isDrawn: receipt => this.#book.isWaiting(receipt),
        isDoubted: (provider, model) => this.#book.isDoubted(provider, model),
        onExcluded: async auditor => {
          await reputation.penalise(auditor, 'false_audit')
          await this.#book.discount(auditor, this.calibrations)
        },
        onViolation: peer => void reputation.penalise(peer, 'bad_record'),
        random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
        randomSeed: () => `0x${randomBytes(32).toString('hex')}`,
        ...{ clock, log },
      },
    )
    this.#service = config['audits.serve']
      ? new RemoteAuditService({
          ...{ host, engine, signer, favours, clock, log, beacon: () => this.#beacon },
          offered: () => modules.serving.offered.status().models,
          eligible: model => eligible.of(model).map(({ provider }) => provider),
          isWelcome: peer => reputation.isWelcome(peer),
        })
      : null
    this.transcripts = new EngineJudge({ engine, calibrations: this.calibrations, clock, log })
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
        auditors: config['audits.remote'] ? [this.#local, this.#remote] : [this.#local],
        calibrations: this.calibrations,
        observe: (provider, evidence, also) => trust.observe(provider, evidence, also),
        ...{ clock, log },
      },
    )
    const { calibrations } = this
    this.examiner = new Examiner({ engine, local: this.#local, calibrations })
    this.checker = new ReceiptChecker({ examiner: this.examiner, clock })
    this.consequences = new Consequences({
      ...{ store, outbox, clock, log },
      accuse: receipt => this.#accuse(receipt),
    })
  }

  /** The court, once the chain has answered; null before. */
  get disputes(): Disputes | null {
    return this.#disputes
  }

  /** Reads back what is known, and begins what does not need the chain. */
  async start(): Promise<void> {
    const { metrics, engine, catalog } = this.#modules
    await this.archive.start()
    await this.calibrations.start()
    this.#calibrationGossip.start()
    await this.#book.start()
    await this.auditors.start()
    await this.#service?.start()
    await this.consequences.start()
    this.audits.on('verdict', verdict => void this.consequences.audited(verdict))
    this.audits.on('verdict', verdict => this.#told(verdict))
    metrics.gauge('shoal_audits_waiting', 'Tasks that wait for their audit.', () => this.#book.waiting)
    this.#modules.events.on('event', event => {
      if (event.type === 'model' && event.state === 'ready') this.#local.served(event.model!)
    })
    if (this.#unwatch === null) {
      const offStatus = engine.onStatus(() => this.audits.wake())
      const offAdded = catalog.adapters.onAdded(() => this.#local.lookAgain())
      this.#unwatch = () => {
        offStatus()
        offAdded()
      }
    }
    await this.audits.start()
  }

  /**
   * What is to be written in the same batch as the receipt of a task we have countersigned, so that either all of it
   * is on disk or nothing.
   */
  accept(task: AcceptedTask): BatchOperation[] {
    this.#disputes?.proofs.want(task.record)
    // Audits judge tokens, and an embedding has none.
    if (task.request.input.kind === 'embedding') return []
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

  /** By what we have loaded, or else by what is offered. */
  #baseOf(model: ModelId): ModelId | null {
    const { engine, index } = this.#modules
    const loaded = engine.status().models.find(({ id }) => id === model)
    if (loaded !== undefined) return loaded.base ?? null
    const bucket = index.match({ model, kind: null }).find(({ start, end }) => start < end)
    return bucket === undefined ? null : (index.listing(bucket.start).model.adapter?.base ?? null)
  }

  /**
   * What is known of a provider's honesty, for whoever gives out tasks: whom a court convicted is no stranger like others, and too much
   * unchecked work is as good as no room.
   */
  restrain(provider: NodeKey, honesty: Honesty): Honesty {
    const prospect = honesty.prospect * (1 - this.consequences.risk(provider))
    const isOverdrawn = this.audits.isOverdrawn(provider)
    return { ...honesty, prospect, tasksAtOnce: isOverdrawn ? 0 : honesty.tasksAtOnce }
  }

  /** How audits of a provider's work went, model by model. */
  auditsOf(provider: NodeKey): AuditRecord[] {
    return [...this.#book.records()].filter(record => record.provider === provider)
  }

  /** All audited receipts of a provider with a model, tested together; null where statistics judged none. */
  pooledTest(provider: NodeKey, model: ModelId): SequentialTest | null {
    const test = this.#book.test(provider, model)
    return test.state.receipts === 0 ? null : test
  }

  /** Verdicts, the newest first. */
  verdicts(options: { limit?: number } = {}): AsyncGenerator<AuditVerdict> {
    return this.#book.verdicts(options)
  }

  /** Begins what needs the chain. @returns how to end it again, before the parts given are stopped */
  async useTrade({ client, economy, clearance, router }: VerificationTrade): Promise<() => Promise<void>> {
    const { wallet, host, eventLog, outbox, store, clock, log } = this.#modules
    const config = this.#config
    this.#standing = economy.standing
    const { confirmations } = economy
    this.#beacon = new BlockBeacon({ confirmations }, { client })
    this.#remote.useTrade({ beacon: this.#beacon, clearance })
    const disputes = new Disputes(
      {
        maxBond: config['disputes.maxBond'],
        automatic: config['disputes.automatic'],
        serveJury: config['jury.serve'],
        confirmations: economy.confirmations,
        pollIntervalMs: COURT_POLLS * config['chain.pollEvery'],
      },
      {
        ...{ client, wallet, host, eventLog, outbox, store, clock, log },
        ...{ publisher: economy.publisher, calls: economy.calls, channels: economy.payer },
        ...{
          index: economy.logIndex,
          anchorer: economy.anchorer,
          archive: this.archive,
          receipts: this.#modules.receipts,
        },
        ...{ examiner: this.examiner, consequences: this.consequences },
      },
    )
    await disputes.start()
    this.#disputes = disputes
    const onExcluded = (provider: NodeKey) => router.forget(provider)
    this.consequences.on('excluded', onExcluded)
    return async () => {
      this.consequences.off('excluded', onExcluded)
      this.#standing = null
      this.#beacon = null
      this.#remote.useTrade(null)
      this.#disputes = null
      await disputes.stop()
    }
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#unwatch?.()
    this.#unwatch = null
    await this.#calibrationGossip.stop()
    this.#service?.stop()
    await this.audits.stop()
    await this.consequences.settled()
    await this.archive.stop()
  }

  /** What a provider has at stake for its own node key, base units; 0 while the chain has not told. */
  #stakeOf(provider: NodeKey): bigint {
    const wallet = this.#modules.book.of(provider)?.offer.wallet
    if (wallet === undefined) return 0n
    const standing = this.#standing?.of(wallet, provider) ?? null
    return standing?.bound === true ? standing.stake : 0n
  }

  /** Others are told, with the receipt, when it is still kept. */
  async #accuse(receipt: CidString): Promise<void> {
    const task = await this.archive.get(receipt)
    if (task === null) return
    this.#modules.trust.accuse(
      // Both were checked before they were kept.
      openRecord(receiptMessage, task.record, () => true),
      openRecord(countersignatureMessage, task.countersignature, () => true),
      task.request.dataClass,
    )
  }

  #told(verdict: AuditVerdict): void {
    const { provider, model, receipt, result, auditor, isCalibrated } = verdict
    const { metrics, events, log } = this.#modules
    // What we found good ourselves is fit to test others with.
    if (auditor === null && result === 'passed' && isCalibrated)
      this.auditors
        .learned(receipt, { isConfirmed: true })
        .catch(error => log.warn({ err: error }, 'what is known of a task was not kept'))
    metrics.audits.inc({ result })
    events.tell({ type: 'audited', provider, model, receipt, result })
  }
}
