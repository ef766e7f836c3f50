import { z } from 'zod'
import { STRATEGIES } from '../../preferences.ts'
import { DECIDERS } from '../candidate.ts'
import { componentWeights } from './policy-settings.ts'

/**
 * What the log of decisions holds: who was chosen for a task, from among whom, how it went and what the answer was
 * worth. Numbers and names alone, never a prompt or an answer.
 */

const share = z.number().min(0).max(1)
const name = z.string().max(200)
/** Decimal. */
const credits = z.string().regex(/^\d+(\.\d+)?$/)

const loggedCandidateSchema = z.strictObject({
  provider: name,
  model: name,
  venue: z.enum(['peer', 'local', 'cloud']),
  /** What the strategy made of it. */
  score: share,
  /** In the order of FEATURE_NAMES. */
  features: z.array(share).max(64),
  /** Whether a policy may put it first: none that costs much more than the best may be, and no newcomer of many. */
  eligible: z.boolean(),
  /** With which it would have been first, trials and the policy together. */
  chance: share,
  isNewcomer: z.boolean(),
  /** The reward the policy expected, and its standard deviation; null where it does not learn. */
  value: z.nullable(z.number()),
  width: z.nullable(z.number()),
  /** Predicted: credits of a typical answer, and ms until the first and the last token. */
  credits,
  ttftMs: z.number().min(0),
  totalMs: z.number().min(0),
})
export type LoggedCandidate = z.infer<typeof loggedCandidateSchema>

const decisionSchema = z.strictObject({
  type: z.literal('decision'),
  id: z.string().max(64),
  task: z.string().max(64),
  atMs: z.int().min(0),
  /** For which the policy learns. */
  taskClass: z.string().max(100),
  /** The model that was asked for; null for any. */
  model: z.nullable(name),
  /** By which scores were made, and can be made anew by other weights. */
  scale: z.strictObject({
    strategy: z.enum(STRATEGIES),
    weights: z.strictObject(componentWeights),
    cost: z.number().min(0),
    timeMs: z.number().min(0),
    reliabilityExponent: z.number().min(0),
  }),
  /** FEATURES_VERSION. */
  features: z.int().min(1),
  /** In the order in which they are tried: the first is the one chosen. */
  candidates: z.array(loggedCandidateSchema).min(1).max(64),
  /** Who put the first one first; see `Ranking`. */
  decidedBy: z.enum(DECIDERS),
  /** With which the first came first, exactly, whoever would have decided. */
  probability: z.number().gt(0).max(1),
  /** Share of such tasks that go to newcomers by a draw, whatever the policy. */
  trialShare: share,
  /** Whether chance put it there and not its value. */
  explored: z.boolean(),
  /** Version of the policy; null where it had nothing to put in order. */
  policy: z.nullable(name),
  /** Listings by what ruled them out; what ruled out none is left out. */
  unfit: z.record(z.string().max(40), z.int().min(1)),
})
export type LoggedDecision = z.infer<typeof decisionSchema>

const outcomeSchema = z.strictObject({
  type: z.literal('outcome'),
  decision: z.string().max(64),
  provider: name,
  model: name,
  atMs: z.int().min(0),
  status: z.enum(['completed', 'failed', 'refused', 'stalled', 'dishonest', 'preempted']),
  ttftMs: z.nullable(z.number().min(0)),
  totalMs: z.number().min(0),
  promptTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  paid: credits,
  /** What it was worth; null where it tells nothing of the provider. */
  reward: z.nullable(share),
})
export type LoggedOutcome = z.infer<typeof outcomeSchema>

const ratingSchema = z.strictObject({
  type: z.literal('rating'),
  decision: z.string().max(64),
  provider: name,
  model: name,
  atMs: z.int().min(0),
  /** How good the answer was. */
  quality: share,
  /** What the outcome is worth with that; takes the place of the outcome's. */
  reward: share,
})
export type LoggedRating = z.infer<typeof ratingSchema>

export const logLineSchema = z.discriminatedUnion('type', [decisionSchema, outcomeSchema, ratingSchema])
export type LogLine = z.infer<typeof logLineSchema>

/** A decision with all that came of it: an outcome for each candidate that was tried, and what people said. */
export interface DecisionHistory {
  decision: LoggedDecision
  outcomes: LoggedOutcome[]
  ratings: LoggedRating[]
}

/** What the first candidate of a decision turned out to be worth; null while that is not known. */
export function rewardOfFirst({ decision, outcomes, ratings }: DecisionHistory): number | null {
  const [first] = decision.candidates
  const isOfFirst = ({ provider, model }: { provider: string; model: string }) =>
    provider === first!.provider && model === first!.model
  return ratings.findLast(isOfFirst)?.reward ?? outcomes.find(isOfFirst)?.reward ?? null
}
