import { NODE_KEY_PATTERN } from '../../protocol/ids.ts'
import type { Decider } from '../market/routing/candidate.ts'
import { FEATURE } from '../market/routing/features.ts'
import type { ClassSummary } from '../market/routing/learning/lin-ucb.ts'
import type { DecisionHistory, LoggedCandidate, LoggedDecision } from '../market/routing/learning/log-line.ts'
import type { PolicySettings } from '../market/routing/learning/policy-settings.ts'
import type { RouteLearning } from '../market/routing/learning/route-learning.ts'
import { COMPONENTS, type Component } from '../market/routing/strategies.ts'
import { peerIdOf } from './views.ts'

/** Why a task went where it did, and how that turned out. */
export interface DecisionView {
  decision: string
  at: string
  taskClass: string
  strategy: string
  /** The model that was asked for; null for any. */
  model: string | null
  /** Who put the first candidate first: the policy, a draw among newcomers to try one out, or the demand itself. */
  decidedBy: Decider
  /** Version of the policy; null where it had nothing to put in order. */
  policy: string | null
  /** With which the first candidate came first. */
  probability: number
  /** Share of such tasks that go to newcomers by a draw. */
  trialShare: number
  /** Whether chance put it there. */
  explored: boolean
  candidates: CandidateExplanation[]
  /** Listings by what ruled them out. */
  ruledOut: Record<string, number>
  outcomes: OutcomeView[]
}

export interface CandidateExplanation {
  /** A PeerId, `local`, or `cloud:` with a name. */
  provider: string
  model: string
  /** What the strategy made of it, 0 to 1: the sum of the parts, times trust. */
  score: number
  /** What each component brings to the score before trust. */
  parts: Record<Component, number>
  /** What the parts are multiplied by for reliability. */
  trust: number
  /** What was learned of such candidates, in score; null where it could not come first. */
  learned: number | null
  uncertainty: number | null
  /** With which it would have come first, trials and the policy together; 0 for those kept in case others fail. */
  chance: number
  newcomer: boolean
  expected: { credits: string; firstTokenMs: number; totalMs: number }
}

export interface OutcomeView {
  provider: string
  model: string
  status: string
  firstTokenMs: number | null
  totalMs: number
  promptTokens: number
  outputTokens: number
  paid: string
  /** What it was worth, 0 to 1; null where it tells nothing of the provider. */
  reward: number | null
  /** What somebody said of the answer, 0 to 1. */
  quality: number | null
}

export interface PolicyView {
  version: string
  settings: PolicySettings
  file: { path: string; problem: string | null }
  classes: ClassSummary[]
  /** Lines that could not be logged since the start. */
  droppedLogLines: number
}

export function decisionView({ decision, outcomes, ratings }: DecisionHistory): DecisionView {
  return {
    decision: decision.id,
    at: new Date(decision.atMs).toISOString(),
    taskClass: decision.taskClass,
    strategy: decision.scale.strategy,
    model: decision.model,
    decidedBy: decision.decidedBy,
    policy: decision.policy,
    probability: decision.probability,
    trialShare: decision.trialShare,
    explored: decision.explored,
    candidates: decision.candidates.map(candidate => candidateExplanation(candidate, decision)),
    ruledOut: decision.unfit,
    outcomes: outcomes.map(outcome => {
      const rating = ratings.findLast(
        ({ provider, model }) => provider === outcome.provider && model === outcome.model,
      )
      return {
        provider: providerName(outcome.provider),
        model: outcome.model,
        status: outcome.status,
        firstTokenMs: outcome.ttftMs,
        totalMs: outcome.totalMs,
        promptTokens: outcome.promptTokens,
        outputTokens: outcome.outputTokens,
        paid: outcome.paid,
        reward: rating?.reward ?? outcome.reward,
        quality: rating?.quality ?? null,
      }
    }),
  }
}

export function policyView({ policy, file, decisions }: RouteLearning): PolicyView {
  return {
    version: policy.version,
    settings: policy.settings,
    file: { path: file.path, problem: file.refusal?.message ?? null },
    classes: policy.summary(),
    droppedLogLines: decisions.dropped,
  }
}

function candidateExplanation(candidate: LoggedCandidate, { scale }: LoggedDecision): CandidateExplanation {
  const { features, score, value } = candidate
  return {
    provider: providerName(candidate.provider),
    model: candidate.model,
    score,
    parts: Object.fromEntries(
      COMPONENTS.map(name => [name, scale.weights[name] * features[FEATURE[name]]!]),
    ) as Record<Component, number>,
    trust: features[FEATURE.reliability]! ** scale.reliabilityExponent,
    learned: value === null ? null : value - score,
    uncertainty: candidate.width,
    chance: candidate.chance,
    newcomer: candidate.isNewcomer,
    expected: { credits: candidate.credits, firstTokenMs: candidate.ttftMs, totalMs: candidate.totalMs },
  }
}

function providerName(provider: string): string {
  return NODE_KEY_PATTERN.test(provider) ? peerIdOf(provider) : provider
}
