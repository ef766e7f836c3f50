import type { Address, CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AdapterVersion } from '../../../protocol/messages/learning/adapter-version.ts'
import type { AggregateInput } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import type { BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { LossPair } from '../../../protocol/messages/learning/common.ts'
import type { RoundManifest, UpdateEncoding } from '../../../protocol/messages/learning/round-manifest.ts'
import type { PrivacyClaim, RevealedValidation } from '../../../protocol/messages/learning/update-reveal.ts'
import type { UpdateScore } from '../../../protocol/messages/learning/update-scores.ts'
import type { SignedRecord } from '../../../protocol/signed.ts'

/** A round, for those who work for it. */
export interface RoundContext {
  round: CidString
  proposer: NodeKey
  manifest: RoundManifest
  /** Where the parent's adapter lies; null where there is no parent. */
  parentPath: string | null
  /** Where the manifest's trusted update lies; null where there is none. */
  trustedPath: string | null
}

/** What training told so far, for bars and curves. */
export interface RoundTrainingProgress {
  step: number
  steps: number
  loss: number
  heldOutLoss: number | null
}

/** A member's update before it is shown to anybody. */
export interface TrainedUpdate {
  /** The file as it will be sent, in the manifest's encoding, with clipping and noise where the manifest asks. */
  path: string
  encoding: UpdateEncoding
  privacy: PrivacyClaim | null
  /** Tokens it was trained on. */
  tokens: number
  /** Of the domain of the data it was made from. */
  domain: string
}

/** Trains this node's update: with the trainer, on local data, when the lifecycle lets it. */
export interface RoundTrainer {
  /** Domain of the local data that a round would be trained on; null where there is none for it. */
  domainFor(manifest: RoundManifest): Promise<string | null>
  /**
   * Goes on with an earlier try of the same round where there is one.
   * @throws {ShoalError} when it cannot be trained
   */
  train(
    context: RoundContext,
    options: { signal: AbortSignal; onProgress: (progress: RoundTrainingProgress) => void },
  ): Promise<TrainedUpdate>
}

/** Public texts that this node gives to rounds, to measure updates with. */
export interface RoundValidation {
  /** Paths of JSONL files with their domains; at most `MAX_VALIDATION_SETS`. */
  sets(manifest: RoundManifest): Promise<{ path: string; domain: string }[]>
}

/** An update that was revealed, as far as it could be had. */
export interface RevealedUpdate {
  /** CID of the `update-reveal` record. */
  update: CidString
  author: NodeKey
  wallet: Address
  domain: string
  encoding: UpdateEncoding
  privacy: PrivacyClaim | null
  blob: BlobRef
  /** Where its file lies; null when nobody gave it. */
  path: string | null
}

/** A text to measure with. */
export interface ValidationText extends RevealedValidation {
  /** Who gave it: nobody's update is measured on its own text. */
  author: NodeKey
  path: string
}

/** Measures updates and finds copies. */
export interface RoundScorer {
  /** @returns one entry for each update. @throws {ShoalError} when this node cannot measure */
  score(
    context: RoundContext,
    work: { updates: readonly RevealedUpdate[]; texts: readonly ValidationText[]; self: NodeKey },
    signal: AbortSignal,
  ): Promise<UpdateScore[]>
}

export interface AggregatedAdapter {
  /** The adapter's file. */
  path: string
  discardedEnergy: number
}

/** Makes one adapter of many updates: the same bytes on every machine. */
export interface RoundAggregator {
  /**
   * @param inputs with their updates, sorted by update; each has a path
   * @throws {ShoalError} when no adapter comes of them
   */
  aggregate(
    context: RoundContext,
    inputs: readonly (RevealedUpdate & Pick<AggregateInput, 'weight'>)[],
    signal: AbortSignal,
  ): Promise<AggregatedAdapter>
}

/** What a voter measured of the round's adapter. */
export interface MeasuredAdapter {
  loss: LossPair
  /** Null where the manifest names no general text. */
  general: LossPair | null
}

/** Measures the round's adapter against what it goes on from. */
export interface RoundJudge {
  /** @throws {ShoalError} when this node cannot measure */
  measure(
    context: RoundContext,
    work: { path: string; texts: readonly ValidationText[]; generalPath: string | null },
    signal: AbortSignal,
  ): Promise<MeasuredAdapter>
}

/** What a round came to. */
export interface AcceptedAdapter {
  /** This node's record of it; every member's says the same of adapter, round and parent. */
  record: SignedRecord<AdapterVersion>
  /** Where the adapter's file lies. */
  path: string
}

/** The accepted adapters of this node. */
export interface RoundVersions {
  /** Idempotent: may come again after a crash. */
  accept(version: AcceptedAdapter): Promise<void>
}

/** Content-addressed files, and how to get others'. */
export interface RoundBlobs {
  /** Keeps a copy of a file while `holder` needs it, and lets peers have it when `provided`. */
  keep(path: string, options: { holder: string; provided: boolean }): Promise<BlobRef>
  /** Lets peers have what is kept. */
  provide(ref: BlobRef): void
  /** @returns the path. @throws {ShoalError} when nobody gives it */
  fetch(
    ref: BlobRef,
    options: { holder: string; holders: readonly NodeKey[]; signal: AbortSignal },
  ): Promise<string>
  /** Where it lies, when it is here. */
  path(ref: BlobRef): string | null
  /** Lets go of all that was kept for a holder. */
  release(holder: string): Promise<void>
}

/** What others fill in; null where this node cannot do it and leaves it to other members. */
export interface RoundParts {
  trainer: RoundTrainer | null
  validation: RoundValidation | null
  scorer: RoundScorer | null
  aggregator: RoundAggregator | null
  judge: RoundJudge | null
  versions: RoundVersions | null
  /** Unpacks updates; null where they travel as they are. */
  unpack: ((context: RoundContext, path: string) => Promise<string>) | null
  blobs: RoundBlobs
}
