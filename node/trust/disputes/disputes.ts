import { randomBytes } from 'node:crypto'
import type { Address, Bytes32, CidString } from '../../../protocol/ids.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import type { Anchorer } from '../../auditlog/anchorer.ts'
import type { EventLog } from '../../auditlog/event-log.ts'
import type { LogIndex } from '../../auditlog/log-index.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { ChainClient } from '../../chain/client.ts'
import { CourtReader } from '../../chain/court.ts'
import { type CourtEvent, CourtWatcher } from '../../chain/court-watcher.ts'
import type { Publisher } from '../../chain/publisher.ts'
import type { RecordedCalls } from '../../chain/recorded-calls.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { P2PHost } from '../../p2p/host.ts'
import type { PayerChannels } from '../../payments/payer-channels.ts'
import type { Wallet } from '../../payments/wallet.ts'
import type { Store } from '../../store/store.ts'
import type { ReceiptBook } from '../../tasks/receipt-book.ts'
import type { TaskArchive } from '../audits/task-archive.ts'
import type { Consequences } from './consequences.ts'
import { CourtDriver } from './court-driver.ts'
import { CourtPurse } from './court-purse.ts'
import { DisputeDesk } from './dispute-desk.ts'
import { EvidenceService } from './evidence-service.ts'
import type { Examiner } from './examination.ts'
import { JurorService } from './juror-service.ts'
import { ProofCollector } from './proof-collector.ts'
import { ProofService } from './proof-service.ts'

export interface DisputesOptions {
  maxBond: bigint
  automatic: boolean
  /** Whether to serve in juries. */
  serveJury: boolean
  confirmations: number
  pollIntervalMs: number
  /** How long whoever is not the challenger waits before it moves a dispute on. */
  patienceMs?: number
}

export interface DisputesModules {
  client: ChainClient
  publisher: Publisher
  calls: RecordedCalls
  channels: Pick<PayerChannels, 'apart'>
  wallet: Wallet
  host: P2PHost
  eventLog: EventLog
  index: LogIndex
  anchorer: Pick<Anchorer, 'adopt'>
  outbox: AuditOutbox
  store: Store
  archive: TaskArchive
  receipts: Pick<ReceiptBook, 'list'>
  examiner: Pick<Examiner, 'examine'>
  consequences: Consequences
  clock: Clock
  log: Logger
}

const PATIENCE_MS = 60_000
/** Proofs of more than these were asked for before we stopped, unless we were stopped very suddenly. */
const RECENT_RECEIPTS = 256
const STOP_WITHIN_MS = 1_000

/** Everything of a node that has to do with the court, put together: built once the chain answers. */
export class Disputes {
  readonly desk: DisputeDesk
  readonly jury: JurorService | null
  readonly proofs: ProofCollector
  readonly court: CourtReader
  readonly purse: CourtPurse
  readonly #options: DisputesOptions
  readonly #modules: DisputesModules
  readonly #watcher: CourtWatcher
  readonly #proofService: ProofService
  readonly #evidence: EvidenceService
  #timer: Timer | null = null
  #ticking: Promise<void> | null = null

  constructor(options: DisputesOptions, modules: DisputesModules) {
    const { client, publisher, calls, wallet, host, store, archive, clock, log } = modules
    const { outbox, eventLog, consequences } = modules
    this.#options = options
    this.#modules = modules
    const court = new CourtReader({ client })
    this.court = court
    const nodeKeyOf = (address: Address) => client.nodeKeyOf(address)
    const randomId = () => randomBytes(8).toString('hex')
    this.purse = new CourtPurse({ court, publisher, calls, wallet, channels: modules.channels, randomId })
    this.proofs = new ProofCollector({
      ...{ host, client, store, clock, log },
      onWithheld: (provider, receipt) => void consequences.withheld(provider, receipt),
    })
    this.desk = new DisputeDesk(
      { wallet: wallet.address, maxBond: options.maxBond, automatic: options.automatic },
      {
        ...{ client, court, publisher, calls, archive, store, clock, log, purse: this.purse },
        driver: new CourtDriver({ patienceMs: 0 }, { court, publisher, clock, log }),
        proofs: this.proofs,
      },
    )
    const { patienceMs = PATIENCE_MS } = options
    this.jury = options.serveJury
      ? new JurorService(
          { wallet: wallet.address },
          {
            ...{ court, calls, host, nodeKeyOf, store, clock, log, purse: this.purse },
            driver: new CourtDriver({ patienceMs }, { court, publisher, clock, log }),
            examiner: modules.examiner,
            randomSalt: (): Bytes32 => `0x${randomBytes(32).toString('hex')}`,
          },
        )
      : null
    this.#proofService = new ProofService({
      ...{ host, log: eventLog, index: modules.index, client, wallet },
      adopt: () => modules.anchorer.adopt(),
    })
    this.#evidence = new EvidenceService({
      ...{ host, court, nodeKeyOf, outbox, log },
      taskOf: async disputeId => {
        const found = this.desk.find(disputeId)
        return found === null ? null : await archive.get(found.receipt)
      },
    })
    this.#watcher = new CourtWatcher(
      { confirmations: options.confirmations, pollIntervalMs: options.pollIntervalMs },
      { client, store, clock, log, onEvents: events => this.#onEvents(events) },
    )
  }

  async start(): Promise<void> {
    const { clock, consequences } = this.#modules
    await this.desk.start()
    await this.jury?.start()
    await this.proofs.start(this.#recentReceipts())
    await this.#proofService.start()
    await this.#evidence.start()
    await this.#watcher.start()
    consequences.useProsecutor(this.desk)
    this.#timer = repeat(clock, this.#options.pollIntervalMs, () => this.tick())
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#modules.consequences.useProsecutor(null)
    this.#timer?.cancel()
    this.#timer = null
    this.proofs.stop()
    // A transaction that waits for its chain goes on after the next start: it is not waited for.
    await Promise.race([
      Promise.all([this.#watcher.stop(), this.jury?.stop(), this.desk.stop(), this.#ticking]),
      new Promise<void>(resolve => this.#modules.clock.setTimer(resolve, STOP_WITHIN_MS)),
    ])
  }

  /** The last receipts we took as requester. */
  async *#recentReceipts(): AsyncGenerator<{ cid: CidString; body: Receipt }> {
    for await (const { role, cid, receipt } of this.#modules.receipts.list({ limit: RECENT_RECEIPTS }))
      if (role === 'requester') yield { cid, body: receipt }
  }

  /** Does what is due now, instead of at the next interval. */
  async tick(): Promise<void> {
    this.#ticking ??= this.#tick().finally(() => {
      this.#ticking = null
    })
    await this.#ticking
  }

  async #tick(): Promise<void> {
    const { consequences, log } = this.#modules
    try {
      await Promise.all([this.desk.tick(), this.jury?.tick(), consequences.tick()])
    } catch (error) {
      log.error({ err: error }, 'disputes could not go on; they are tried again')
    }
  }

  /** What must not be forgotten is on disk when this resolves; the rest follows from the chain's state. */
  async #onEvents(events: readonly CourtEvent[]): Promise<void> {
    for (const event of events)
      if (event.kind === 'closed' && event.outcome === 'guilty') await this.#convicted(event)
    await this.jury?.onCourtEvents(events)
    void this.tick()
  }

  /** Who lied to a requester, or has two stories to tell, is known to all for it. */
  async #convicted({ disputeId, respondent }: CourtEvent & { kind: 'closed' }): Promise<void> {
    const { consequences, client } = this.#modules
    const fault = (await this.court.dispute(disputeId))?.fault
    if (fault !== 'wrong_output' && fault !== 'equivocation') return
    const provider = await client.nodeKeyOf(respondent)
    if (provider !== null) await consequences.convicted(provider, disputeId)
  }
}
