import type { Engine } from '../../inference/engine.ts'
import type { ModelCatalog } from '../../inference/models/catalog.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { ChainStanding } from '../chain/standing.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { DataDir } from '../data-dir.ts'
import type { Logger } from '../log.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { Metrics } from '../metrics.ts'
import type { NodeEvents } from '../node-events.ts'
import type { Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { Wallet } from '../payments/wallet.ts'
import type { Store } from '../store/store.ts'

export interface LearningOptions {
  config: Config
  dataDir: DataDir
  /** Of the node key; secrets that nobody else knows are derived from it. */
  seed: Uint8Array
}

/** Parts of the node that are there before the chain answers. */
export interface LearningModules {
  store: Store
  outbox: AuditOutbox
  host: P2PHost
  signer: NodeSigner
  wallet: Wallet
  engine: Engine
  catalog: ModelCatalog
  book: OfferBook
  events: NodeEvents
  metrics: Metrics
  clock: Clock
  log: Logger
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** Parts of the node that need the chain. */
export interface LearningTrade {
  standing: Pick<ChainStanding, 'of' | 'want'>
}

/**
 * Everything by which this node learns with others, put together. What needs the chain begins with `useTrade`; the rest does
 * not wait for it.
 */
export class Learning {
  readonly #modules: LearningModules
  #standing: Pick<ChainStanding, 'of' | 'want'> | null = null

  constructor(_options: LearningOptions, modules: LearningModules) {
    this.#modules = modules
  }

  /** Reads back what is known, and begins what does not need the chain. */
  async start(): Promise<void> {
    this.#modules.log.debug({}, 'learning has started')
  }

  /** Begins what needs the chain. @returns how to end it again */
  useTrade({ standing }: LearningTrade): () => void {
    this.#standing = standing
    return () => {
      if (this.#standing === standing) this.#standing = null
    }
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#standing = null
  }
}
