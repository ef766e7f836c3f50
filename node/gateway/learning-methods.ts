import { z } from 'zod'
import { domainSchema, MAX_VALIDATION_SETS } from '../../protocol/messages/learning/common.ts'
import {
  DATA_FORMATS,
  ROUND_RULES,
  UPDATE_ENCODINGS,
} from '../../protocol/messages/learning/round-manifest.ts'

/** A CID, or what lists show of one. */
const round = z.string().min(1).max(128)
const SECOND_MS = 1_000
const MAX_PHASE_MS = 30 * 24 * 3_600_000
const duration = z.int().min(SECOND_MS).max(MAX_PHASE_MS)
const amount = z.string().max(64)
const path = z.string().min(1).max(4_096)

/** The commands about rounds of learning; part of `controlMethods`. */
export const learningMethods = {
  learning: z.strictObject({}),
  rounds: z.strictObject({}),
  round: z.strictObject({ round }),
  joinRound: z.strictObject({ round }),
  proposeRound: z.strictObject({
    /** A model of this machine by any of its names; null for the one that is served. */
    base: z.nullable(z.string().max(200)).default(null),
    name: z.nullable(domainSchema).default(null),
    domain: domainSchema.default('general'),
    format: z.enum(DATA_FORMATS).default('any'),
    rank: z.optional(z.int().min(1).max(256)),
    alpha: z.optional(z.number().positive().max(4_096)),
    modules: z.optional(z.array(z.string().max(32)).min(1).max(16)),
    freezeA: z.optional(z.boolean()),
    steps: z.optional(z.int().min(1).max(1_000_000)),
    batchRows: z.optional(z.int().min(1).max(256)),
    rowTokens: z.optional(z.int().min(1).max(8_192)),
    learningRate: z.optional(z.number().positive().max(1)),
    trainForMs: duration,
    joinForMs: z.optional(duration),
    judgeForMs: z.optional(duration),
    minimumUpdates: z.optional(z.int().min(1).max(64)),
    maximumMembers: z.optional(z.int().min(1).max(64)),
    /** Credits. */
    leastStake: z.optional(amount),
    quorumStake: z.optional(amount),
    reward: z.optional(amount),
    rule: z.optional(z.enum(ROUND_RULES)),
    outerLearningRate: z.optional(z.number().positive().max(4)),
    encoding: z.optional(z.enum(UPDATE_ENCODINGS)),
    /** Noise over the clip norm; null for no privacy. */
    noise: z.nullable(z.number().min(0).max(1e3)).default(null),
    clipNorm: z.number().positive().max(1e6).default(1),
    deltaExponent: z.int().min(1).max(12).default(5),
    /** JSONL files that updates are measured with, as `path` or `domain=path`; everybody gets them. */
    validation: z.array(path).max(MAX_VALIDATION_SETS).default([]),
    /** JSONL of general text on this machine that the adapter must not make worse. */
    general: z.nullable(path).default(null),
    /** Whether the proposer takes part itself. */
    join: z.boolean().default(true),
  }),
} as const
