import { FEATURES_VERSION } from '../features.ts'
import type { PolicyCandidate } from '../policy.ts'
import { ClassModel } from './class-model.ts'
import { LearningError } from './errors.ts'
import {
  doublyRobust,
  doublyRobustGain,
  type Estimate,
  effectiveSamples,
  inversePropensity,
  meanEstimate,
  selfNormalised,
  type WeightedReward,
} from './estimate.ts'
import { LinUcbPolicy } from './lin-ucb.ts'
import { type DecisionHistory, type LoggedCandidate, type LoggedDecision, rewardOfFirst } from './log-line.ts'
import type { PolicySettings } from './policy-settings.ts'
import { scoreByFeatures } from './score-by-features.ts'

/** What a policy would have been worth on a log, in reward, 0 to 1. */
export interface Replay {
  policy: string
  /** Decisions that count, and such as do not: without an outcome that tells something, or of other features. */
  decisions: number
  leftOut: number
  /** Decisions no policy made, trials of newcomers and wishes: learned from alone. */
  learnedFrom: number
  /** What was really earned. */
  logged: Estimate
  inversePropensity: Estimate
  selfNormalised: Estimate
  doublyRobust: Estimate
  /** Doubly robust, above what was logged. */
  gain: Estimate
  /** So many decisions of its own would tell as much. */
  effectiveDecisions: number
  /** Share of the policy's choices that the log could have made; below 1, IPS is too low. */
  coverage: number
  byClass: {
    taskClass: string
    decisions: number
    logged: Estimate
    doublyRobust: Estimate
    gain: Estimate
  }[]
}

/** With fewer, intervals mean nothing. */
const MIN_DECISIONS = 20

/** λ and memory of the model behind the doubly robust estimate; plain, since it is only there to lower the variance. */
const MODEL_RIDGE = 0.3
const MODEL_MEMORY = 1_000_000

/**
 * Evaluates a policy on decisions that another made, in their order: it starts knowing nothing and learns from each
 * outcome after it was asked, so that it is never asked about what it has seen. The same holds for the model of the
 * doubly robust estimate, which keeps that free of bias. Trials of newcomers and wishes are none of the policy's
 * doing: what came of them is learned from, as it is while tasks run, and estimates are of the other decisions, with
 * the propensities they had given that the policy decided.
 *
 * @throws {LearningError} TOO_FEW_DECISIONS
 */
export async function replay(
  histories: AsyncIterable<DecisionHistory> | Iterable<DecisionHistory>,
  settings: PolicySettings,
): Promise<Replay> {
  const policy = new LinUcbPolicy({ settings })
  const models = new Map<string, ClassModel>()
  const samples: (WeightedReward & { taskClass: string; covered: number })[] = []
  let leftOut = 0
  let learnedFrom = 0
  for await (const history of histories) {
    const reward = rewardOfFirst(history)
    const { decision } = history
    if (reward === null || decision.features !== FEATURES_VERSION) {
      leftOut++
      continue
    }
    const { taskClass } = decision
    let model = models.get(taskClass)
    if (model === undefined) {
      model = new ClassModel({ ridge: MODEL_RIDGE, memory: MODEL_MEMORY })
      models.set(taskClass, model)
    }
    const first = asCandidate(decision.candidates[0]!, decision, settings)
    if (decision.decidedBy === 'policy') {
      samples.push({ taskClass, reward, ...weigh(decision, policy, model, settings) })
    } else learnedFrom++
    policy.learn({ ...first, taskClass, reward })
    model.update(first, reward - decision.candidates[0]!.score)
  }
  if (samples.length < MIN_DECISIONS) {
    throw new LearningError(
      'TOO_FEW_DECISIONS',
      `the log has ${samples.length} decisions with an outcome; an estimate needs ${MIN_DECISIONS}`,
      { fix: 'Ask for more tasks first.', details: { decisions: samples.length, leftOut } },
    )
  }
  return {
    policy: settings.name,
    decisions: samples.length,
    leftOut,
    learnedFrom,
    logged: meanEstimate(samples.map(({ reward }) => reward)),
    inversePropensity: inversePropensity(samples),
    selfNormalised: selfNormalised(samples),
    doublyRobust: doublyRobust(samples),
    gain: doublyRobustGain(samples),
    effectiveDecisions: effectiveSamples(samples),
    coverage: samples.reduce((sum, { covered }) => sum + covered, 0) / samples.length,
    byClass: [...Map.groupBy(samples, ({ taskClass }) => taskClass)].map(([taskClass, ofClass]) => ({
      taskClass,
      decisions: ofClass.length,
      logged: meanEstimate(ofClass.map(({ reward }) => reward)),
      doublyRobust: doublyRobust(ofClass),
      gain: doublyRobustGain(ofClass),
    })),
  }
}

/** Of a decision that a policy made: what another would have done, by what is known until then. */
function weigh(
  decision: LoggedDecision,
  policy: LinUcbPolicy,
  model: ClassModel,
  settings: PolicySettings,
): Pick<WeightedReward, 'weight' | 'modelOfChosen' | 'modelOfPolicy'> & { covered: number } {
  const { taskClass, probability, trialShare } = decision
  const eligible = decision.candidates.filter(({ eligible }) => eligible)
  const candidates = eligible.map(candidate => asCandidate(candidate, decision, settings))
  const expected = eligible.map(candidate =>
    Math.min(1, Math.max(0, candidate.score + model.estimate(candidate).value)),
  )
  const { probabilities } = policy.evaluate({ taskClass, candidates })
  const sum = (of: (index: number) => number) =>
    probabilities.reduce((total, chance, index) => total + chance * of(index), 0)
  return {
    weight: probabilities[0]! / (probability / (1 - trialShare)),
    modelOfChosen: expected[0]!,
    modelOfPolicy: sum(index => expected[index]!),
    covered: sum(index => (eligible[index]!.chance > 0 ? 1 : 0)),
  }
}

/** As the evaluated policy would have been given it: its own weights change the score. */
function asCandidate(
  logged: LoggedCandidate,
  decision: LoggedDecision,
  settings: PolicySettings,
): PolicyCandidate {
  const { features } = logged
  const weights = settings.weights[decision.scale.strategy]
  return {
    model: logged.model,
    features,
    isNewcomer: logged.isNewcomer,
    score: weights === undefined ? logged.score : scoreByFeatures(features, weights, decision.scale),
  }
}
