import { z } from 'zod'
import { STRATEGIES } from '../../preferences.ts'

/**
 * What the log of decisions holds: who was chosen for a task, from among whom, and how it went. Numbers and names
 * alone, never a prompt or an answer.
 */

const share = z.number().min(0).max(1)

/** Candidates a decision has at most. */
export const MAX_LOGGED_CANDIDATES = 32
const MAX_FEATURES = 64

export const loggedCandidateSchema = z.strictObject({
  provider: z.string().max(200),
  model: z.string().max(200),
  venue: z.enum(['peer', 'local', 'cloud']),
  /** What the strategy made of it. */
  score: share,
  /** The parts of the score by name, each 0 to 1, the higher the better. */
  parts: z.record(z.string().max(40), z.number()),
  /** As named by `FEATURE_NAMES`. */
  features: z.array(share).max(MAX_FEATURES),
  isNewcomer: z.boolean(),
  /** What the policy expected and how uncertain it was; null where it does not learn. */
  value: z.nullable(z.number()),
  width: z.nullable(z.number()),
  /** Predicted: credits, ms until the first and the last token, 0 to 1. */
  expectedCredits: z.number().min(0),
  ttftMs: z.number().min(0),
  totalMs: z.number().min(0),
  reliability: share,
  quality: share,
  warmShare: share,
})
export type LoggedCandidate = z.infer<typeof loggedCandidateSchema>

export const decisionSchema = z.strictObject({
  type: z.literal('decision'),
  id: z.string().max(64),
  /** Null for a decision that no task has come of. */
  task: z.nullable(z.string().max(64)),
  atMs: z.int().min(0),
  taskClass: z.string().max(100),
  strategy: z.enum(STRATEGIES),
  /** A model's name where one was asked for. */
  model: z.nullable(z.string().max(200)),
  /** In the order in which they are tried: the first is the one chosen. */
  candidates: z.array(loggedCandidateSchema).min(1).max(MAX_LOGGED_CANDIDATES),
  /** With which the first came first, exactly; above 0. */
  probability: z.number().gt(0).max(1),
  /** Whether chance put it there and not the policy's value of it. */
  explored: z.boolean(),
  policy: z.string().max(100),
  /** Listings by what ruled them out, without those that ruled out none. */
  unfit: z.record(z.string().max(40), z.int().min(0)),
})
export type Decision = z.infer<typeof decisionSchema>

export const decisionOutcomeSchema = z.strictObject({
  type: z.literal('outcome'),
  decision: z.string().max(64),
  provider: z.string().max(200),
  atMs: z.int().min(0),
  status: z.enum(['completed', 'failed', 'refused', 'stalled', 'dishonest', 'preempted']),
  ttftMs: z.nullable(z.number().min(0)),
  totalMs: z.number().min(0),
  promptTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  /** Credits. */
  paid: z.number().min(0),
  /** 0 to 1, how good the answer was, where somebody said so. */
  quality: z.nullable(share),
  /** What the policy learned from it. */
  reward: share,
})
export type DecisionOutcome = z.infer<typeof decisionOutcomeSchema>

export const logLineSchema = z.discriminatedUnion('type', [decisionSchema, decisionOutcomeSchema])
export type LogLine = z.infer<typeof logLineSchema>

/** A decision with what came of it: one outcome for each provider that was tried. */
export interface FinishedDecision extends Decision {
  outcomes: DecisionOutcome[]
}

/** Where decisions and outcomes are written; never throws and never waits. */
export interface DecisionSink {
  write(line: LogLine): void
}
