import type { Engine, LossRow } from '../../inference/engine.ts'
import type { CidString, NodeKey } from '../../protocol/ids.ts'
import { aggregateProposalMessage } from '../../protocol/messages/learning/aggregate-proposal.ts'
import { type RoundJoin, roundJoinMessage } from '../../protocol/messages/learning/round-join.ts'
import { openRecord } from '../../protocol/signed.ts'
import type { EventLog } from '../auditlog/event-log.ts'
import type { AuditOutbox } from '../auditlog/outbox.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import type { ModelServing } from '../model-serving.ts'
import type { Violation } from '../p2p/errors.ts'
import type { Store } from '../store/store.ts'
import { AggregateJudge } from './acceptance/aggregate-judge.ts'
import { keepsWhatItKnows, readGeneralRows, SHIPPED_GENERAL_TEXT } from './acceptance/general-text.ts'
import type { KnownStake } from './known-stake.ts'
import type { RoundBlobs } from './rounds/seams.ts'
import { AuthorRatings } from './scoring/author-ratings.ts'
import { EngineLossMeter } from './scoring/loss-meter.ts'
import type { BaseModels } from './scoring/round-base.ts'
import { UpdateInspector } from './scoring/update-inspector.ts'
import { UpdateScorer } from './scoring/update-scorer.ts'
import type { RewardedVersion } from './versions/accepted-rounds.ts'
import { AdapterServing } from './versions/adapter-serving.ts'
import { type AnchorSource, Lineage } from './versions/lineage.ts'
import { VersionBook } from './versions/version-book.ts'
import { AdapterVersions } from './versions/versions.ts'

export interface AcceptanceOptions {
  config: Pick<Config, 'learning.autoload' | 'learning.serve' | 'learning.generalText'>
}

export interface AcceptanceModules {
  store: Store
  outbox: AuditOutbox
  eventLog: EventLog
  engine: Pick<Engine, 'load' | 'unload' | 'measureLoss' | 'start'>
  serving: Pick<ModelServing, 'serveAdapter' | 'retire' | 'models'>
  blobs: RoundBlobs
  /** All records of a round that are here, the manifest's too. */
  roundRecords: (round: CidString) => Promise<readonly Uint8Array[]>
  stakeOf: KnownStake
  bases: BaseModels
  /** Null while the chain has not answered. */
  chain: () => AnchorSource | null
  clock: Clock
  log: Logger
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** What this node finds of others' updates and adapters, and the versions that come of it. */
export class Acceptance {
  readonly scorer: UpdateScorer
  readonly judge: AggregateJudge
  readonly versions: AdapterVersions
  readonly serving: AdapterServing
  readonly lineage: Lineage
  readonly ratings: AuthorRatings
  readonly #inspector = new UpdateInspector()
  #general: Promise<readonly LossRow[]> | null = null

  constructor(options: AcceptanceOptions, modules: AcceptanceModules) {
    const { config } = options
    const { store, outbox, engine, bases, blobs, clock, log, stakeOf } = modules
    const generalRows = () => this.#generalRows(config['learning.generalText'] ?? SHIPPED_GENERAL_TEXT)
    const meter = new EngineLossMeter({ engine })
    const onInvalid = (author: NodeKey, code: string) => {
      log.info({ peer: author, code }, 'what a member gave to learn from was refused')
      modules.onViolation(author, 'bad_update')
    }
    this.ratings = new AuthorRatings({ store, clock })
    const shared = { meter, bases, onInvalid }
    const ownText = config['learning.generalText']
    this.scorer = new UpdateScorer(
      {},
      { ...shared, generalRows, inspector: this.#inspector, ratings: this.ratings, clock, log },
    )
    this.judge = new AggregateJudge(
      {},
      {
        ...shared,
        ownGeneralRows: async base =>
          ownText !== null || (await keepsWhatItKnows(base.path)) ? generalRows() : null,
      },
    )
    this.versions = new AdapterVersions(
      { autoload: config['learning.autoload'] },
      {
        ...{ book: new VersionBook({ store }), outbox, blobs, clock, log },
        roundRecords: modules.roundRecords,
        stakeOf: (node, { wallet, stake }) => stakeOf(node, wallet, stake),
      },
    )
    this.serving = new AdapterServing(
      { enabled: config['learning.serve'] },
      { versions: this.versions, serving: modules.serving, clock, log },
    )
    this.lineage = new Lineage({
      versions: this.versions,
      log: modules.eventLog,
      chain: modules.chain,
    })
  }

  async start(): Promise<void> {
    await this.ratings.start()
    await this.versions.start()
    this.serving.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.serving.stop()
    await this.#inspector.stop()
    await this.versions.stop()
  }

  /** Proven versions as the learners' pool goes by them. */
  async rewarded(): Promise<RewardedVersion[]> {
    const rewarded: RewardedVersion[] = []
    for (const { record, endedAtMs } of this.versions.list()) {
      const { round, proposal, contributors } = record.body
      const joins = await this.#joins(proposal)
      rewarded.push({
        ...{ round, endedAtMs, contributors },
        roster: joins.map(({ node, join }) => ({ node, stake: join.stake })),
      })
    }
    return rewarded
  }

  async #joins(proposal: CidString): Promise<{ node: NodeKey; join: RoundJoin }[]> {
    const bytes = await this.versions.evidence(proposal)
    const { roster } = openRecord(aggregateProposalMessage, bytes!, () => true).body
    const joins = []
    for (const cid of roster) {
      // They were opened before they were kept.
      const { signer, body } = openRecord(roundJoinMessage, (await this.versions.evidence(cid))!, () => true)
      joins.push({ node: signer, join: body })
    }
    return joins
  }

  #generalRows(path: string): Promise<readonly LossRow[]> {
    const rows = this.#general ?? readGeneralRows(path)
    this.#general = rows
    rows.catch(() => {
      this.#general = null
    })
    return rows
  }
}
