import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Trainer } from '../../inference/learning/trainer.ts'
import { BlobExchange } from '../p2p/blobs/blob-exchange.ts'
import { BlobStore } from '../p2p/blobs/blob-store.ts'
import { Acceptance } from './acceptance.ts'
import { Aggregator } from './aggregation/aggregator.ts'
import type { DataBook } from './data/data-book.ts'
import type { KnownStake } from './known-stake.ts'
import type { LearningModules, LearningOptions } from './learning.ts'
import type { LearningLifecycle } from './lifecycle/lifecycle.ts'
import { FileAggregator } from './rounds/parts/aggregator.ts'
import { CatalogBases } from './rounds/parts/bases.ts'
import { roundBlobs } from './rounds/parts/blobs.ts'
import { inLifecycle } from './rounds/parts/in-lifecycle.ts'
import { PackedCodec } from './rounds/parts/packed-codec.ts'
import { LocalTrainer } from './rounds/parts/trainer.ts'
import { PublicTexts, publicTextsFrom } from './rounds/parts/validation.ts'
import { RoundBook } from './rounds/round-book.ts'
import type { RoundState } from './rounds/round-state.ts'
import { Rounds } from './rounds/rounds.ts'
import type { RoundBlobs, RoundParts } from './rounds/seams.ts'
import type { AnchorSource } from './versions/lineage.ts'

/** What only a node has that takes part in rounds. */
export interface LearningParts {
  store: BlobStore
  /** What of it rounds use. */
  blobs: RoundBlobs
  exchange: BlobExchange
  aggregator: Aggregator
  validation: PublicTexts
  rounds: Rounds
  acceptance: Acceptance
}

const MIB = 1_048_576

/** Puts together what takes part in rounds; nothing of it is started. */
export function makeLearningParts(
  options: Pick<LearningOptions, 'config' | 'dataDir'>,
  modules: LearningModules & {
    trainer: Trainer
    data: DataBook
    lifecycle: LearningLifecycle
    stakeOf: KnownStake
    anchors: () => AnchorSource | null
    onPhase: (state: RoundState) => void
  },
): LearningParts {
  const { config, dataDir } = options
  const { host, clock, log, isWelcome, onViolation, catalog, signer, wallet, outbox } = modules
  const { engine, eventLog, serving, trainer, data, lifecycle, stakeOf } = modules
  const folder = join(dataDir.root, 'learning')
  const store = new BlobStore(
    { folder: join(folder, 'blobs'), maxBytes: config['learning.quota'] * MIB },
    { clock, log },
  )
  const exchange = new BlobExchange(
    {},
    { host, store, isWelcome, onViolation, clock, log, candidates: () => host.peers() },
  )
  const blobs = roundBlobs({ store, exchange })
  const aggregator = new Aggregator()
  const bases = new CatalogBases({ catalog })
  const files = { folder: join(folder, 'rounds') }
  const codec = new PackedCodec({ folder: join(folder, 'packed') }, { bases })
  const validation = new PublicTexts(publicTextsFrom(config['learning.publicText']))
  const book = new RoundBook({ store: modules.store, outbox })
  const acceptance = new Acceptance(
    { config },
    {
      ...{ store: modules.store, outbox, engine, eventLog, serving, bases, blobs, stakeOf },
      ...{ clock, log, onViolation },
      roundRecords: round => book.allRecords(round),
      chain: modules.anchors,
    },
  )
  const parts: RoundParts = {
    trainer: new LocalTrainer(files, { trainer, data, lifecycle, bases, codec }),
    validation,
    ...inLifecycle(lifecycle, {
      aggregator: new FileAggregator(files, { aggregator }),
      ...{ scorer: acceptance.scorer, judge: acceptance.judge, versions: acceptance.versions },
    }),
    unpack: (context, path) => codec.decode(context, path),
    blobs: {
      ...blobs,
      release: async holder => {
        await blobs.release(holder)
        await codec.release(holder)
      },
    },
  }
  const rounds = new Rounds(
    { join: config['learning.join'], proposerStake: config['learning.proposerStake'] },
    {
      ...{ host, book, parts, signer, wallet: wallet.address, clock, log, isWelcome, onViolation },
      random: Math.random,
      randomSalt: () => `0x${randomBytes(32).toString('hex')}`,
      stakeOf,
      onPhase: modules.onPhase,
      onFault: ({ kind }) => modules.metrics.violations.inc({ kind: `round_${kind}` }),
    },
  )
  return { store, blobs, exchange, aggregator, validation, rounds, acceptance }
}
