import { join } from 'node:path'
import type { Engine } from '../../inference/engine.ts'
import { ExternalTrainer } from '../../inference/learning/external-trainer.ts'
import { JaxTrainer } from '../../inference/learning/jax-trainer/jax-trainer.ts'
import type { Trainer } from '../../inference/learning/trainer.ts'
import type { ModelCatalog } from '../../inference/models/catalog.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { CidString, NodeKey } from '../../protocol/ids.ts'
import {
  type HiddenValidation,
  hiddenValidation,
  MAX_VALIDATION_SETS,
} from '../../protocol/messages/learning/common.ts'
import type { EventLog } from '../auditlog/event-log.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { ChainStanding } from '../chain/standing.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { DataDir } from '../data-dir.ts'
import type { Logger } from '../log.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { Metrics } from '../metrics.ts'
import type { ModelServing } from '../model-serving.ts'
import type { NodeEvents } from '../node-events.ts'
import type { BlobStore } from '../p2p/blobs/blob-store.ts'
import type { Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { Wallet } from '../payments/wallet.ts'
import type { Store } from '../store/store.ts'
import type { Acceptance } from './acceptance.ts'
import { DataBook } from './data/data-book.ts'
import type { KnownStake } from './known-stake.ts'
import type { LearningParts } from './learning-parts.ts'
import { configuredLifecycle } from './lifecycle/configured.ts'
import type { LearningLifecycle } from './lifecycle/lifecycle.ts'
import { RoundError } from './rounds/errors.ts'
import type { PublicText } from './rounds/parts/validation.ts'
import type { RoundProposal } from './rounds/proposed-manifest.ts'
import type { RoundState } from './rounds/round-state.ts'
import type { Rounds } from './rounds/rounds.ts'
import { TwinDesk } from './twin/twin-desk.ts'
import type { AnchorSource } from './versions/lineage.ts'

export interface LearningOptions {
  config: Config
  dataDir: Pick<DataDir, 'root'>
  /** Of the node key; secrets that nobody else knows are derived from it. */
  seed: Uint8Array
}

/** Parts of the node that are there before the chain answers. */
export interface LearningModules {
  store: Store
  outbox: AuditOutbox
  host: P2PHost
  signer: NodeSigner
  wallet: Pick<Wallet, 'address'>
  engine: Engine
  eventLog: EventLog
  serving: Pick<ModelServing, 'serveAdapter' | 'retire' | 'models'>
  catalog: ModelCatalog
  book: Pick<OfferBook, 'of'>
  events: NodeEvents
  metrics: Metrics
  clock: Clock
  log: Logger
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Takes the place of the trainer that the settings name. */
  trainer?: Trainer
}

/** Parts of the node that need the chain. */
export interface LearningTrade {
  standing: Pick<ChainStanding, 'of' | 'want' | 'on' | 'off'>
  client: AnchorSource['client']
  logIndex: AnchorSource['index']
}

const MIB = 1_048_576
/** The chain answers in less, where it answers. */
const STAKE_WITHIN_MS = 12_000
/** An external trainer that takes longer has hung. */
const EXTERNAL_TRAINER_TIMEOUT_MS = 7 * 24 * 3_600_000

/**
 * Everything by which this node learns with others, put together. What needs the chain begins with `useTrade`; the rest does
 * not wait for it. A node that does not take part has none of it but its data.
 */
export class Learning {
  readonly data: DataBook
  readonly lifecycle: LearningLifecycle
  /** The owner's own adapter; it takes part in no round. */
  readonly twin: TwinDesk
  readonly #trainer: Trainer
  readonly #options: LearningOptions
  readonly #modules: LearningModules
  #parts: LearningParts | null = null
  #standing: LearningTrade['standing'] | null = null
  #anchors: AnchorSource | null = null

  constructor(options: LearningOptions, modules: LearningModules) {
    this.#options = options
    this.#modules = modules
    const { config, dataDir, seed } = options
    const { clock, log } = modules
    this.data = new DataBook({ folder: join(dataDir.root, 'learning', 'data'), seed }, { clock })
    this.lifecycle = configuredLifecycle(config, { clock, log })
    this.#trainer = this.#makeTrainer()
    this.twin = new TwinDesk(
      { folder: join(dataDir.root, 'learning', 'twin'), cacheFolder: dataDir.root },
      { ...modules, book: this.data, trainer: this.#trainer, lifecycle: this.lifecycle },
    )
  }

  /** Whether this node takes part in rounds, which it does once started. */
  get isEnabled(): boolean {
    return this.#parts !== null
  }

  /** @throws {RoundError} LEARNING_OFF */
  get rounds(): Rounds {
    return this.#enabled().rounds
  }

  /** What becomes of others' updates, and the versions that were accepted. @throws {RoundError} LEARNING_OFF */
  get acceptance(): Acceptance {
    return this.#enabled().acceptance
  }

  /** Updates and adapters of rounds. @throws {RoundError} LEARNING_OFF */
  get blobs(): BlobStore {
    return this.#enabled().store
  }

  /**
   * Proposes a round that goes on from what is in use, and takes part in it.
   * @param options.generalPath JSONL on this machine that the new adapter must not make worse; everybody gets it
   * @param options.validation texts that updates are measured with, beside the public ones of the settings; everybody gets them
   *   once updates are shown
   * @returns the round's id
   * @throws {RoundError} LEARNING_OFF, BAD_PROPOSAL, STAKE_TOO_LOW, TOO_MANY_ROUNDS
   * @throws {BlobError} when the general text cannot be kept
   */
  async propose(
    proposal: RoundProposal,
    options: {
      generalPath: string | null
      validation?: readonly PublicText[]
      join: boolean
      nowMs: number
      seed: number
    },
  ): Promise<CidString> {
    const { blobs, rounds, validation, acceptance } = this.#enabled()
    const [{ proposedManifest }, { asParent }] = await Promise.all([
      import('./rounds/proposed-manifest.ts'),
      import('./versions/version-book.ts'),
    ])
    const { generalPath, validation: given = [], join, nowMs, seed } = options
    if (given.length === 0 && validation.isEmpty)
      throw new RoundError('BAD_PROPOSAL', 'there is nothing to measure what members learn with', {
        fix: 'Give examples that everybody may see: --validation FILE, or set learning.publicText.',
      })
    validation.give(proposal.domain, given)
    const holder = `proposed ${nowMs}`
    try {
      const general = generalPath === null ? null : await blobs.keep(generalPath, { holder, provided: true })
      const inUse = acceptance.versions.current(proposal.base, proposal.domain)
      const parent = inUse === null ? null : asParent(inUse)
      const manifest = (hidden: HiddenValidation[]) =>
        proposedManifest(proposal, {
          ...{ wallet: this.#modules.wallet.address, parent, general, nowMs, seed },
          validation: hidden,
        })
      const hidden: HiddenValidation[] = []
      for (const { path, domain } of (await validation.sets(manifest([]))).slice(0, MAX_VALIDATION_SETS)) {
        const { digest } = await blobs.keep(path, { holder, provided: false })
        hidden.push(hiddenValidation(digest, domain))
      }
      await this.#ownStakeTold()
      const round = await rounds.propose(manifest(hidden), { join })
      if (generalPath !== null) await blobs.keep(generalPath, { holder: round, provided: true })
      return round
    } finally {
      await blobs.release(holder)
    }
  }

  /** Reads back what is known, and begins what does not need the chain. */
  async start(): Promise<void> {
    await this.data.start()
    this.lifecycle.start()
    if (!this.#options.config['learning.enabled']) return
    this.#parts = await this.#makeParts()
    const { store, exchange, acceptance, rounds } = this.#parts
    await store.start()
    await exchange.start()
    await acceptance.start()
    await rounds.start()
  }

  /** Begins what needs the chain. @returns how to end it again */
  useTrade({ standing, client, logIndex }: LearningTrade): () => void {
    this.#anchors = { client, wallet: this.#modules.wallet.address, index: logIndex }
    const onStanding = () => this.#parts?.rounds.reconsider()
    this.#standing = standing
    standing.on('standing', onStanding)
    this.#parts?.rounds.reconsider()
    return () => {
      standing.off('standing', onStanding)
      if (this.#standing !== standing) return
      this.#standing = null
      this.#anchors = null
    }
  }

  /** Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#standing = null
    await this.#parts?.rounds.stop()
    await this.#parts?.acceptance.stop()
    await this.lifecycle.stop()
    await this.#trainer.stop()
    await this.#parts?.aggregator.stop()
    await this.#parts?.exchange.stop()
    await this.#parts?.store.stop()
    await this.data.stop()
  }

  #enabled(): LearningParts {
    if (this.#parts !== null) return this.#parts
    throw new RoundError('LEARNING_OFF', 'this node does not learn with others', {
      fix: 'Start it with --learn, or set learning.enabled.',
    })
  }

  async #makeParts(): Promise<LearningParts> {
    // A third of all modules, which a node without rounds starts sooner and smaller without.
    const { makeLearningParts } = await import('./learning-parts.ts')
    return makeLearningParts(this.#options, {
      ...this.#modules,
      ...{ trainer: this.#trainer, data: this.data, lifecycle: this.lifecycle },
      stakeOf: this.#stakeOf,
      anchors: () => this.#anchors,
      onPhase: state => this.#told(state),
    })
  }

  #makeTrainer(): Trainer {
    if (this.#modules.trainer !== undefined) return this.#modules.trainer
    const { config } = this.#options
    const command = config['learning.trainer']
    const memory = config['learning.maxMemory']
    const limits = {
      niceness: config['learning.niceness'],
      ...(memory === null ? {} : { maxMemoryBytes: memory * MIB }),
    }
    return command === null
      ? new JaxTrainer(limits)
      : new ExternalTrainer({ ...limits, command, timeoutMs: EXTERNAL_TRAINER_TIMEOUT_MS })
  }

  readonly #stakeOf: KnownStake = (node, wallet, expected = 1n) => {
    const standing = this.#standing
    if (standing === null) return null
    const known = standing.of(wallet, node)
    const isElsewhere = known?.bound === false
    // What is at stake for no node, or another one, counts for nothing, however much it is.
    standing.want(wallet, { urgent: true, expected: isElsewhere ? known.stake + 1n : expected })
    if (known === null) return null
    return isElsewhere ? 0n : known.stake
  }

  /** Resolves once the chain has told what this node has at stake, or has not for a while. */
  async #ownStakeTold(): Promise<void> {
    const { host, wallet, clock } = this.#modules
    const standing = this.#standing
    const isKnown = () => (this.#stakeOf(host.nodeKey, wallet.address) ?? 0n) > 0n
    if (standing === null || isKnown()) return
    await new Promise<void>(resolve => {
      const end = () => {
        timer.cancel()
        standing.off('standing', look)
        resolve()
      }
      const look = () => {
        if (isKnown()) end()
      }
      const timer = clock.setTimer(end, STAKE_WITHIN_MS)
      standing.on('standing', look)
    })
  }

  #told({ round, phase, failure, manifest }: RoundState): void {
    const { events, log } = this.#modules
    log.info({ round, phase, failure }, 'a round of learning goes on')
    events.tell({ type: 'round', round, name: manifest.name, phase, failure })
  }
}
