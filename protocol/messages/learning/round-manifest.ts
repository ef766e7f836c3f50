import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Address, CidString, ModelId } from '../../ids.ts'
import { type BlobRef, blobRefSchema } from './blob-ref.ts'
import {
  distinct,
  domainSchema,
  type HiddenValidation,
  hiddenValidationSchema,
  MAX_AGGREGATE_ATTEMPTS,
  MAX_ROUND_MEMBERS,
  MAX_VALIDATION_SETS,
  partsPerMillionSchema,
} from './common.ts'

/** How updates become one adapter. */
export const ROUND_RULES = [
  'default',
  'stack',
  'clip',
  'krum',
  'multi-krum',
  'geometric-median',
  'fltrust',
] as const
export type RoundRule = (typeof ROUND_RULES)[number]

/** Which forms of training data a round is for. */
export const DATA_FORMATS = ['any', 'messages', 'completion', 'text'] as const
export type DataFormat = (typeof DATA_FORMATS)[number]

/** How updates are packed for their way. */
export const UPDATE_ENCODINGS = ['gguf', 'int8', 'sparse'] as const
export type UpdateEncoding = (typeof UPDATE_ENCODINGS)[number]

/** When each phase ends at the latest, ms since the epoch, each later than the one before. */
export interface RoundDeadlines {
  joinMs: number
  trainMs: number
  commitMs: number
  revealMs: number
  scoreMs: number
  aggregateMs: number
  voteMs: number
  publishMs: number
}

/** What a member trains with; the same for all, so that updates fit each other. */
export interface TrainBudget {
  steps: number
  batchRows: number
  rowTokens: number
  accumulation: number
  learningRate: number
  /** The first A of an adapter comes from it. */
  seed: number
}

/** Noise and clipping of each update; δ is 10^-deltaExponent. */
export interface RoundPrivacy {
  clipNorm: number
  noiseMultiplier: number
  deltaExponent: number
}

/** What a round goes on from. */
export interface RoundParent {
  /** CID of its `adapter-version` record. */
  version: CidString
  model: ModelId
  adapter: BlobRef
}

/** What a round is about and how it goes; the CID of its record is the round's id. */
export interface RoundManifest {
  version: 1
  /** Of the proposer; what it has at stake is asked of the chain. */
  wallet: Address
  base: ModelId
  /** Null for a first adapter of a base. */
  parent: RoundParent | null
  /** What the adapter is called: the readable part of its ModelId. */
  name: string
  rank: number
  alpha: number
  /** Kinds of linear layers, as `attn_q`, or `output`. */
  modules: string[]
  /** A stays as the seed made it and only B learns; with privacy always. */
  freezeA: boolean
  domain: string
  format: DataFormat
  training: TrainBudget
  /** The proposer's texts for scoring, revealed with the updates; members give others. */
  validation: HiddenValidation[]
  /** JSONL on which the new adapter must not be worse; public from the start. */
  general: BlobRef | null
  deadlines: RoundDeadlines
  minimumUpdates: number
  maximumMembers: number
  /** What a member must have at stake, base units. */
  leastStake: bigint
  /**
   * What a quorum must carry at least, base units, beside two thirds of what takes part. From two thirds of all that
   * could take part on, no partition of the network can accept two adapters.
   */
  quorumStake: bigint
  /** How many members may try to aggregate, one after the other. */
  aggregateAttempts: number
  rule: RoundRule
  /** An update that all others are compared with, for the rule `fltrust` alone. */
  trusted: BlobRef | null
  /** What the aggregate is multiplied by before it is added to the parent. */
  outerLearningRate: number
  encoding: UpdateEncoding
  privacy: RoundPrivacy | null
  /** How far a voter's measured loss may lie from the stake-weighted median, millionths of it. */
  lossTolerance: number
  /** How much worse the general text may be foretold, millionths of its loss. */
  regressionTolerance: number
  /** What the proposer promises to the contributors in all, base units; nobody enforces it. */
  reward: bigint
}

/** 200 days: nobody keeps what belongs to a round for longer. */
const MAX_ROUND_MS = 200 * 24 * 3_600_000

const PHASE_ENDS = [
  'joinMs',
  'trainMs',
  'commitMs',
  'revealMs',
  'scoreMs',
  'aggregateMs',
  'voteMs',
  'publishMs',
] as const satisfies readonly (keyof RoundDeadlines)[]

const deadlinesSchema: z.ZodType<RoundDeadlines> = z
  .strictObject({
    joinMs: wire.timeMs,
    trainMs: wire.timeMs,
    commitMs: wire.timeMs,
    revealMs: wire.timeMs,
    scoreMs: wire.timeMs,
    aggregateMs: wire.timeMs,
    voteMs: wire.timeMs,
    publishMs: wire.timeMs,
  })
  .refine(
    deadlines =>
      PHASE_ENDS.every((end, index) => index === 0 || deadlines[PHASE_ENDS[index - 1]!] < deadlines[end]),
    { message: 'must rise from phase to phase' },
  )
  .refine(({ joinMs, publishMs }) => publishMs - joinMs <= MAX_ROUND_MS, {
    message: 'must not lie so far apart',
  })

export const roundManifestMessage: MessageDefinition<RoundManifest> = {
  type: 'round-manifest',
  maxBytes: 8_192,
  schema: z
    .strictObject({
      version: z.literal(1),
      wallet: wire.address,
      base: wire.modelId,
      parent: z.nullable(z.strictObject({ version: wire.cid, model: wire.modelId, adapter: blobRefSchema })),
      name: domainSchema,
      rank: z.int().min(1).max(256),
      alpha: z.number().positive().max(4_096),
      modules: z
        .array(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/))
        .min(1)
        .max(16)
        .refine(distinct, { message: 'must differ' }),
      freezeA: z.boolean(),
      domain: domainSchema,
      format: z.enum(DATA_FORMATS),
      training: z.strictObject({
        steps: z.int().min(1).max(1_000_000),
        batchRows: z.int().min(1).max(256),
        rowTokens: z.int().min(1).max(8_192),
        accumulation: z.int().min(1).max(1_024),
        learningRate: z.number().positive().max(1),
        seed: z.int().min(0).max(0xffff_ffff),
      }),
      validation: z.array(hiddenValidationSchema).max(MAX_VALIDATION_SETS),
      general: z.nullable(blobRefSchema),
      deadlines: deadlinesSchema,
      minimumUpdates: z.int().min(1).max(MAX_ROUND_MEMBERS),
      maximumMembers: z.int().min(1).max(MAX_ROUND_MEMBERS),
      leastStake: wire.amount,
      quorumStake: wire.amount,
      aggregateAttempts: z.int().min(1).max(MAX_AGGREGATE_ATTEMPTS),
      rule: z.enum(ROUND_RULES),
      trusted: z.nullable(blobRefSchema),
      outerLearningRate: z.number().positive().max(4),
      encoding: z.enum(UPDATE_ENCODINGS),
      privacy: z.nullable(
        z.strictObject({
          clipNorm: z.number().positive().max(1e6),
          noiseMultiplier: z.number().min(0).max(1e3),
          deltaExponent: z.int().min(1).max(12),
        }),
      ),
      lossTolerance: partsPerMillionSchema,
      regressionTolerance: partsPerMillionSchema,
      reward: wire.amount,
    })
    .refine(({ minimumUpdates, maximumMembers }) => minimumUpdates <= maximumMembers, {
      message: 'asks for more updates than members',
    })
    .refine(({ rule, trusted }) => (rule === 'fltrust') === (trusted !== null), {
      message: 'a trusted update goes with the rule fltrust',
    })
    .refine(({ privacy, freezeA }) => privacy === null || freezeA, {
      message: 'with privacy A must be frozen',
    }),
}
