import assert from 'node:assert/strict'
import { FEATURE_NAMES, FEATURES_VERSION } from '../../../../../../node/market/routing/features.ts'
import {
  doublyRobust,
  effectiveSamples,
  inversePropensity,
  selfNormalised,
  type WeightedReward,
} from '../../../../../../node/market/routing/learning/estimate.ts'
import type { DecisionHistory } from '../../../../../../node/market/routing/learning/log-line.ts'
import {
  DEFAULT_POLICY,
  GREEDY_POLICY,
  type PolicySettings,
} from '../../../../../../node/market/routing/learning/policy-settings.ts'
import { replay } from '../../../../../../node/market/routing/learning/replay.ts'
import { DEFAULT_TUNING } from '../../../../../../node/market/routing/strategies.ts'
import { seededRandom } from '../../../../../helpers/seeded-random.ts'

/** Three arms of known worth; drawn by one known policy, evaluated as another. */
const WORTH = [0.3, 0.5, 0.8]
const LOGGED = [0.6, 0.3, 0.1]
const TARGET = [0.1, 0.2, 0.7]
const TRUTH = TARGET.reduce((sum, share, arm) => sum + share * WORTH[arm]!, 0)

function samplesOf(random: () => number, count: number, model: readonly number[]): WeightedReward[] {
  return Array.from({ length: count }, () => {
    const draw = random()
    const arm = draw < LOGGED[0]! ? 0 : draw < LOGGED[0]! + LOGGED[1]! ? 1 : 2
    return {
      reward: random() < WORTH[arm]! ? 1 : 0,
      weight: TARGET[arm]! / LOGGED[arm]!,
      modelOfChosen: model[arm]!,
      modelOfPolicy: TARGET.reduce((sum, share, other) => sum + share * model[other]!, 0),
    }
  })
}

describe('off-policy estimates', () => {
  it('hold the worth of a known policy within 95 % intervals about as often as they say', () => {
    const random = seededRandom(3)
    const runs = 300
    const held = { ips: 0, snips: 0, robust: 0, badModel: 0 }
    const widths = { ips: 0, robust: 0 }
    for (let run = 0; run < runs; run++) {
      const samples = samplesOf(random, 400, WORTH)
      const estimates = {
        ips: inversePropensity(samples),
        snips: selfNormalised(samples),
        robust: doublyRobust(samples),
        // A model that is wrong everywhere costs precision and nothing else.
        badModel: doublyRobust(samplesOf(random, 400, [1, 0, 0])),
      }
      for (const [name, { low, high }] of Object.entries(estimates))
        if (low <= TRUTH && TRUTH <= high) held[name as keyof typeof held]++
      widths.ips += estimates.ips.high - estimates.ips.low
      widths.robust += estimates.robust.high - estimates.robust.low
    }
    for (const [name, count] of Object.entries(held))
      assert.ok(count >= 0.91 * runs && count <= 0.99 * runs, `${name} held ${count} of ${runs}`)
    assert.ok(widths.robust < 0.8 * widths.ips)
  })

  it('say how many decisions of its own a log is worth', () => {
    const same = Array.from({ length: 10 }, () => ({
      reward: 1,
      weight: 1,
      modelOfChosen: 0,
      modelOfPolicy: 0,
    }))
    assert.equal(effectiveSamples(same), 10)
    assert.equal(
      effectiveSamples(same.map((sample, index) => ({ ...sample, weight: index === 0 ? 5 : 0 }))),
      1,
    )
    assert.ok(Number.isNaN(selfNormalised(same.map(sample => ({ ...sample, weight: 0 }))).value))
  })
})

/** Two candidates: the strategy prefers the first, which is worth 0.3; the second is worth 0.7. */
function history(random: () => number, taskClass = 'chat/balanced'): DecisionHistory {
  const rate = 0.4
  const isSwapped = random() < rate / 2
  const candidate = (id: string, score: number, cost: number) => ({
    provider: id,
    model: `model@sha256:${'0'.repeat(64)}`,
    venue: 'peer' as const,
    score,
    features: FEATURE_NAMES.map(name =>
      name === 'bias' || name === 'reliability'
        ? 1
        : name === 'cost'
          ? cost
          : name === 'time'
            ? 1 - cost
            : 0.5,
    ),
    eligible: true,
    chance: id === 'dear' ? 1 - rate / 2 : rate / 2,
    isNewcomer: false,
    value: null,
    width: null,
    credits: '1',
    ttftMs: 1,
    totalMs: 2,
  })
  const dear = candidate('dear', 0.8, 0.1)
  const cheap = candidate('cheap', 0.5, 0.9)
  const candidates = isSwapped ? [cheap, dear] : [dear, cheap]
  const [first] = candidates as [typeof dear]
  return {
    decision: {
      type: 'decision',
      id: String(random()),
      task: '00',
      atMs: 1,
      taskClass,
      model: null,
      scale: {
        strategy: 'balanced',
        weights: DEFAULT_TUNING.weights.balanced,
        cost: 1,
        timeMs: 1,
        reliabilityExponent: 1,
      },
      features: FEATURES_VERSION,
      candidates,
      probability: first.chance,
      decidedBy: 'policy',
      trialShare: 0,
      explored: isSwapped,
      policy: 'old',
      unfit: {},
    },
    outcomes: [
      {
        type: 'outcome',
        decision: '',
        provider: first.provider,
        model: first.model,
        atMs: 2,
        status: 'completed',
        ttftMs: 1,
        totalMs: 2,
        promptTokens: 1,
        outputTokens: 1,
        paid: '1',
        reward: random() < (first.provider === 'dear' ? 0.3 : 0.7) ? 1 : 0,
      },
    ],
    ratings: [],
  }
}

function histories(count: number, seed: number): DecisionHistory[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => history(random))
}

describe('replay', () => {
  it('finds what a policy of other weights would have been worth, and that it is better', async () => {
    const costOnly: PolicySettings = {
      ...GREEDY_POLICY,
      name: 'cost-only',
      explorationRate: 0,
      weights: { balanced: { cost: 1, time: 0, quality: 0, privacy: 0, nearness: 0 } },
    }
    const result = await replay(histories(1_500, 1), costOnly)
    assert.equal(result.decisions, 1_500)
    assert.equal(result.coverage, 1)
    for (const name of ['inversePropensity', 'selfNormalised', 'doublyRobust'] as const) {
      const { low, high } = result[name]
      assert.ok(low <= 0.7 && 0.7 <= high, `${name} ${low} ${high}`)
      assert.ok(high - low < 0.2)
    }
    assert.ok(result.logged.low <= 0.38 && 0.38 <= result.logged.high, JSON.stringify(result.logged))
    assert.ok(result.gain.low > 0.2, JSON.stringify(result.gain))
  })

  it('finds that the policy that was logged is worth what it earned', async () => {
    const logged: PolicySettings = { ...GREEDY_POLICY, explorationRate: 0.4 }
    const result = await replay(histories(600, 2), logged)
    assert.ok(Math.abs(result.effectiveDecisions - 600) < 1e-6)
    assert.ok(Math.abs(result.inversePropensity.value - result.logged.value) < 1e-9)
    assert.ok(result.gain.low < 0 && 0 < result.gain.high, JSON.stringify(result.gain))
  })

  it('evaluates a policy that learns as it goes', async () => {
    const learner = await replay(histories(1_500, 3), { ...DEFAULT_POLICY, explorationRate: 0 })
    const greedy = await replay(histories(1_500, 3), { ...GREEDY_POLICY, explorationRate: 0 })
    assert.ok(learner.doublyRobust.low > greedy.doublyRobust.high, JSON.stringify([learner, greedy]))
    assert.ok(learner.doublyRobust.value > 0.6)
  })

  it('estimates from what a policy decided alone, and learns from trials and wishes as well', async () => {
    const trialShare = 0.25
    const policies = histories(400, 7)
    // The same decisions, where a quarter of the tasks would have gone to trials: that says nothing of the policy.
    const shared = policies.map(({ decision, ...rest }): DecisionHistory => {
      const probability = decision.probability * (1 - trialShare)
      const candidates = decision.candidates.map(one => ({ ...one, chance: one.chance * (1 - trialShare) }))
      return { decision: { ...decision, candidates, probability, trialShare }, ...rest }
    })
    const trials = histories(400, 8).map(({ decision, ...rest }): DecisionHistory => {
      const candidates = decision.candidates.map(one => ({ ...one, eligible: false }))
      return { decision: { ...decision, candidates, decidedBy: 'trial', trialShare }, ...rest }
    })
    const fixed: PolicySettings = { ...GREEDY_POLICY, explorationRate: 0.2 }
    const alone = await replay(policies, fixed)
    const mixed = await replay([...trials, ...shared], fixed)
    assert.deepEqual([mixed.decisions, mixed.learnedFrom, alone.learnedFrom], [400, 400, 0])
    for (const name of ['logged', 'inversePropensity', 'selfNormalised'] as const)
      assert.ok(Math.abs(mixed[name].value - alone[name].value) < 1e-9, name)
    assert.ok(Math.abs(mixed.effectiveDecisions - alone.effectiveDecisions) < 1e-6)
    const learner: PolicySettings = { ...DEFAULT_POLICY, explorationRate: 0 }
    const [without, with_] = [await replay(policies, learner), await replay([...trials, ...shared], learner)]
    assert.ok(with_.inversePropensity.value > without.inversePropensity.value, 'it knew more beforehand')
    await assert.rejects(replay(trials, fixed), { code: 'TOO_FEW_DECISIONS' })
  })

  it('says what it had to leave out and what the log could not have shown', async () => {
    const [without, other, ...rest] = histories(60, 4) as [DecisionHistory, DecisionHistory]
    without.outcomes = []
    other.decision.features = FEATURES_VERSION + 1
    const narrow = (rest as DecisionHistory[]).map(({ decision, ...parts }) => ({
      ...parts,
      decision: {
        ...decision,
        candidates: decision.candidates.map(candidate => ({
          ...candidate,
          chance: candidate.provider === decision.candidates[0]!.provider ? 1 : 0,
        })),
        probability: 1,
      },
    }))
    const uniform: PolicySettings = { ...GREEDY_POLICY, explorationRate: 0.5 }
    const result = await replay([without, other, ...narrow], uniform)
    assert.equal(result.leftOut, 2)
    assert.equal(result.decisions, 58)
    assert.ok(result.coverage < 0.8)
  })

  it('lets a rating take the place of an outcome', async () => {
    const rated = histories(100, 5).map(({ decision, outcomes, ratings }): DecisionHistory => {
      const { provider, model } = decision.candidates[0]!
      const rating = {
        type: 'rating' as const,
        decision: decision.id,
        provider,
        model,
        atMs: 3,
        quality: 1,
        reward: 0.9,
      }
      return { decision, outcomes, ratings: [...ratings, rating] }
    })
    const result = await replay(rated, DEFAULT_POLICY)
    assert.ok(Math.abs(result.logged.value - 0.9) < 1e-9)
  })

  it('makes no estimate of next to nothing', async () => {
    await assert.rejects(replay(histories(19, 6), DEFAULT_POLICY), { code: 'TOO_FEW_DECISIONS' })
  })
})
