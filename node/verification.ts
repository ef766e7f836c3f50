import type { Engine } from '../inference/engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import type { NodeSigner } from '../protocol/identity.ts'
import type { AuditOutbox } from './auditlog/outbox.ts'
import type { ChainClient } from './chain/client.ts'
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
import { TaskArchive } from './trust/audits/task-archive.ts'
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

  constructor(options: VerificationOptions, modules: VerificationModules) {
    const { store, clock, log } = modules
    this.archive = new TaskArchive({ seed: options.seed }, { store, clock, log })
  }

  /** Reads back what is known, and begins what does not need the chain. */
  async start(): Promise<void> {
    await this.archive.start()
  }

  /**
   * What is to be written in the same batch as the receipt of a task we have countersigned, so that either all of it
   * is on disk or nothing.
   */
  accept(task: AcceptedTask): BatchOperation[] {
    return this.archive.keep(task)
  }

  /** Begins what needs the chain. @returns how to end it again, before the parts given are stopped */
  async useTrade(_trade: VerificationTrade): Promise<() => Promise<void>> {
    return async () => {}
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    await this.archive.stop()
  }
}
