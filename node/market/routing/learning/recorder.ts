import type { TaskId } from '../../../../protocol/ids.ts'
import { formatCredits } from '../../../../protocol/money.ts'
import type { Candidate, Decider, Outcome } from '../candidate.ts'
import { FEATURE, FEATURES_VERSION } from '../features.ts'
import type { Decision, DecisionSink } from '../modules.ts'
import { rewardOf } from '../reward.ts'
import type { DecisionLog } from './decision-log.ts'
import { LearningError } from './errors.ts'
import type { Evaluation, LinUcbPolicy } from './lin-ucb.ts'
import type { LoggedDecision, LoggedOutcome, LoggedRating } from './log-line.ts'
import { learnedClass } from './task-class.ts'

export interface RecorderModules {
  log: DecisionLog
  policy: LinUcbPolicy
  clock: { nowMs(): number }
}

/** What a decision's log needs no more digits for. */
const DIGITS = 6

/**
 * Writes the router's decisions and their outcomes to the log, and takes in what people say of answers. Only what
 * came of a task is written: who merely looks at a ranking leaves no trace.
 */
export class DecisionRecorder implements DecisionSink {
  readonly #modules: RecorderModules

  constructor(modules: RecorderModules) {
    this.#modules = modules
  }

  decided(decision: Decision): void {
    const { demand, ranking } = decision
    const [first] = ranking.candidates
    if (demand.taskId === undefined || first === undefined || ranking.decidedBy === null) return
    const { log, policy } = this.#modules
    // What the policy makes of them is asked now: it may learn before the line is written.
    const evaluation = evaluationOf(decision, policy)
    const { decidedBy } = ranking
    const task = demand.taskId
    log.write(() => describe(decision, task, { decidedBy, evaluation }))
  }

  ended(decision: Decision, candidate: Candidate, outcome: Outcome, reward: number | null): void {
    if (decision.demand.taskId === undefined) return
    this.#modules.log.write({
      type: 'outcome',
      decision: decision.id,
      provider: candidate.provider,
      model: candidate.model.model,
      atMs: this.#modules.clock.nowMs(),
      status: outcome.status,
      ttftMs: outcome.ttftMs,
      totalMs: outcome.totalMs,
      promptTokens: outcome.promptTokens,
      outputTokens: outcome.outputTokens,
      paid: formatCredits(outcome.paid),
      reward: reward === null ? null : short(reward),
    })
  }

  /**
   * Takes in how good the answer of a task was, in place of what was expected; a later word replaces an earlier one.
   * It is said of whoever completed the task: of all replicas that made the answer alike.
   * @param quality 0 to 1
   * @returns that of the last who completed it
   * @throws {LearningError} DECISION_UNKNOWN when no completed attempt of the task is in the log
   */
  async rate(task: TaskId, quality: number): Promise<LoggedRating> {
    let last: LoggedRating | null = null
    for await (const { decision, outcomes, ratings } of this.#modules.log.histories({ task })) {
      for (const outcome of outcomes.filter(({ status }) => status === 'completed'))
        last = this.#rateOne(decision, outcome, ratings.findLast(isOf(outcome))?.reward, quality)
    }
    if (last !== null) return last
    throw new LearningError('DECISION_UNKNOWN', `the log has no answered task ${task}`, {
      fix: 'Check the id; the oldest decisions are forgotten, and a task that failed cannot be rated.',
      details: { task },
    })
  }

  /** @param earlier what it was worth by the word that is replaced */
  #rateOne(
    decision: LoggedDecision,
    outcome: LoggedOutcome,
    earlier: number | undefined,
    quality: number,
  ): LoggedRating {
    const { log, policy, clock } = this.#modules
    const { features } = decision.candidates.find(isOf(outcome))!
    const reward = rewardOf(
      {
        status: 'completed',
        totalMs: outcome.totalMs,
        paid: Number(outcome.paid),
        quality,
        privacy: features[FEATURE.privacy]!,
        nearness: features[FEATURE.nearness]!,
      },
      decision.scale,
    )!
    const before = earlier ?? outcome.reward
    if (before !== null) {
      const { taskClass } = decision
      policy.correct({ taskClass, features, model: outcome.model, by: reward - before })
    }
    const { provider, model } = outcome
    const rating: LoggedRating = {
      type: 'rating',
      decision: decision.id,
      provider,
      model,
      atMs: clock.nowMs(),
      quality,
      reward: short(reward),
    }
    log.write(rating)
    return rating
  }
}

/** What the policy makes of the candidates that it put in order; null where it was not to judge any. */
function evaluationOf({ demand, ranking }: Decision, policy: LinUcbPolicy): Evaluation | null {
  const { eligible } = ranking
  if (eligible.length === 0) return null
  const candidates = eligible.map(({ model, features, score }) => ({
    model: model.model,
    features,
    score,
    isNewcomer: features[FEATURE.newcomer]! > 0,
  }))
  return policy.evaluate({ taskClass: learnedClass(demand), candidates })
}

function describe(
  { id, atMs, demand, ranking }: Decision,
  task: TaskId,
  { decidedBy, evaluation }: { decidedBy: Decider; evaluation: Evaluation | null },
): LoggedDecision {
  const { eligible, trialShare } = ranking
  const bounds = evaluation?.bounds ?? new Float64Array()
  /** What the policy makes of a candidate; null where it was not to judge it. */
  const judged = (candidate: Candidate) => {
    const place = eligible.indexOf(candidate)
    if (evaluation === null || place < 0) return null
    const { values, widths, probabilities } = evaluation
    return {
      value: values[place]!,
      width: widths[place]!,
      chance: (1 - trialShare) * probabilities[place]!,
    }
  }
  return {
    type: 'decision',
    id,
    task,
    atMs,
    taskClass: learnedClass(demand),
    model: demand.model,
    scale: ranking.scale,
    features: FEATURES_VERSION,
    candidates: ranking.candidates.map(candidate => {
      const judgement = judged(candidate)
      return {
        provider: candidate.provider,
        model: candidate.model.model,
        venue: candidate.venue,
        score: short(candidate.score),
        features: candidate.features.map(short),
        eligible: judgement !== null,
        chance: judgement?.chance ?? candidate.probability,
        isNewcomer: candidate.features[FEATURE.newcomer]! > 0,
        value: shortOrNull(judgement?.value),
        width: shortOrNull(judgement?.width),
        credits: formatCredits(candidate.prediction.expectedCost),
        ttftMs: Math.round(candidate.prediction.ttftMs),
        totalMs: Math.round(candidate.prediction.totalMs),
      }
    }),
    decidedBy,
    probability: ranking.candidates[0]!.probability,
    trialShare,
    explored: decidedBy === 'policy' ? bounds.some(bound => bound > bounds[0]!) : ranking.explored,
    policy: ranking.policyVersion,
    unfit: Object.fromEntries(Object.entries(ranking.unfit).filter(([, count]) => count > 0)),
  }
}

function isOf(outcome: LoggedOutcome) {
  return ({ provider, model }: { provider: string; model: string }) =>
    provider === outcome.provider && model === outcome.model
}

function shortOrNull(value: number | undefined): number | null {
  return value === undefined ? null : short(value)
}

function short(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
