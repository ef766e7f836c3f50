import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FEATURE_NAMES, type FeatureName } from '../../../../../../node/market/routing/features.ts'
import { LinUcbPolicy } from '../../../../../../node/market/routing/learning/lin-ucb.ts'
import {
  DEFAULT_POLICY,
  GREEDY_POLICY,
  type PolicySettings,
} from '../../../../../../node/market/routing/learning/policy-settings.ts'
import type { PolicyCandidate } from '../../../../../../node/market/routing/policy.ts'
import { seededRandom } from '../../../../../helpers/seeded-random.ts'

function candidate(
  score: number,
  values: Partial<Record<FeatureName, number>> = {},
  isNewcomer = false,
): PolicyCandidate {
  return {
    model: 'm',
    score,
    isNewcomer,
    features: Float64Array.from(FEATURE_NAMES, name => (name === 'bias' ? 1 : (values[name] ?? 0.5))),
  }
}

function policyOf(settings: Partial<PolicySettings> = {}): LinUcbPolicy {
  return new LinUcbPolicy({ settings: { ...DEFAULT_POLICY, ...settings } })
}

const never = () => 0.999999

const share = fc.integer({ min: 0, max: 1_000 }).map(value => value / 1_000)

const anyCandidates = fc.array(
  fc.record({
    score: share,
    isNewcomer: fc.boolean(),
    model: fc.constantFrom('a', 'b', 'c'),
    features: fc
      .array(share, {
        minLength: FEATURE_NAMES.length,
        maxLength: FEATURE_NAMES.length,
      })
      .map(values => Float64Array.from(values)),
  }),
  { minLength: 1, maxLength: 32 },
)

describe('LinUCB policy', () => {
  it('orders as the scores do before it has learned', () => {
    fc.assert(
      fc.property(anyCandidates, fc.double({ min: 0, max: 0.999, noNaN: true }), (candidates, draw) => {
        const policy = policyOf({ explorationRate: 0 })
        const { order, probability } = policy.choose({ taskClass: 'chat', candidates, random: () => draw })
        const scores = order.map(index => candidates[index]!.score)
        assert.deepEqual(
          scores,
          scores.toSorted((a, b) => b - a),
        )
        assert.equal(probability, 1)
      }),
    )
  })

  it('gives each candidate once, with a probability above 0, and probabilities that sum to 1', () => {
    fc.assert(
      fc.property(
        anyCandidates,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.array(share, { maxLength: 20 }),
        (candidates, draw, explorationRate, rewards) => {
          const policy = policyOf({ explorationRate })
          for (const [index, reward] of rewards.entries()) {
            policy.learn({ ...candidates[index % candidates.length]!, taskClass: 'chat', reward })
          }
          const { probabilities } = policy.evaluate({ taskClass: 'chat', candidates })
          const { order, probability } = policy.choose({ taskClass: 'chat', candidates, random: () => draw })
          assert.deepEqual(
            order.toSorted((a, b) => a - b),
            candidates.map((_, index) => index),
          )
          assert.equal(probability, probabilities[order[0]!])
          assert.ok(probability > 0)
          assert.ok(Math.abs(probabilities.reduce((sum, value) => sum + value, 0) - 1) < 1e-9)
        },
      ),
    )
  })

  it('chooses as often as it says it does', () => {
    const random = seededRandom(7)
    const policy = policyOf({ explorationRate: 0.4, newcomerWeight: 3 })
    const candidates = [
      candidate(0.8),
      candidate(0.7, { cost: 0.9 }),
      candidate(0.4, { quality: 0.1 }, true),
      candidate(0.2, { time: 0.9 }),
    ]
    policy.learn({ ...candidates[1]!, taskClass: 'chat', reward: 1 })
    const { probabilities } = policy.evaluate({ taskClass: 'chat', candidates })
    const draws = 20_000
    const counts = new Float64Array(candidates.length)
    for (let i = 0; i < draws; i++) {
      const { order, probability } = policy.choose({ taskClass: 'chat', candidates, random })
      assert.equal(probability, probabilities[order[0]!])
      counts[order[0]!]!++
    }
    // Pearson's chi-squared with 3 degrees of freedom is above 16.27 in one of a thousand runs; the seed is fixed.
    const chiSquared = counts.reduce(
      (sum, count, index) =>
        sum + (count - draws * probabilities[index]!) ** 2 / (draws * probabilities[index]!),
      0,
    )
    assert.ok(chiSquared < 16.27, String(chiSquared))
  })

  it('learns where the scores mislead: it beats the greedy order on such a class and stays with it on another', () => {
    // The dear model looks better; on `sums` the cheap one answers as well and nine times in ten the dear one fails.
    const dear = candidate(0.75, { quality: 0.9, cost: 0.2 })
    const cheap = candidate(0.6, { quality: 0.4, cost: 0.9 })
    const worth: Record<string, [dear: number, cheap: number]> = { sums: [0.1, 0.9], prose: [0.8, 0.3] }
    const earned = (settings: PolicySettings): Record<string, number> => {
      const random = seededRandom(11)
      const policy = new LinUcbPolicy({ settings })
      const sums: Record<string, number> = { sums: 0, prose: 0 }
      for (let task = 0; task < 2_000; task++) {
        const taskClass = task % 2 === 0 ? 'sums' : 'prose'
        const candidates = [dear, cheap]
        const [first] = policy.choose({ taskClass, candidates, random }).order
        const reward = random() < worth[taskClass]![first!]! ? 1 : 0
        policy.learn({ ...candidates[first!]!, taskClass, reward })
        sums[taskClass]! += reward / 1_000
      }
      return sums
    }
    const learned = earned(DEFAULT_POLICY)
    const greedy = earned(GREEDY_POLICY)
    assert.ok(greedy.sums! < 0.2, JSON.stringify(greedy))
    assert.ok(learned.sums! > 0.8, JSON.stringify(learned))
    assert.ok(learned.prose! > greedy.prose! - 0.05, JSON.stringify(learned))
  })

  it('finds the best of many by their features within hundreds of tasks', () => {
    const random = seededRandom(5)
    const policy = policyOf()
    // Reward depends on being near and warm, of which the scores say nothing.
    const truth = ({ features }: PolicyCandidate) =>
      0.1 +
      0.5 * features[FEATURE_NAMES.indexOf('nearness')]! +
      0.3 * features[FEATURE_NAMES.indexOf('warm')]!
    let regret = 0
    let regretOfScores = 0
    for (let task = 0; task < 800; task++) {
      const candidates = Array.from({ length: 10 }, () =>
        candidate(0.5 + 0.1 * random(), {
          nearness: random(),
          warm: random(),
          cost: random(),
          time: random(),
        }),
      )
      const [first] = policy.choose({ taskClass: 'chat', candidates, random }).order
      policy.learn({
        ...candidates[first!]!,
        taskClass: 'chat',
        reward: Math.min(1, Math.max(0, truth(candidates[first!]!) + 0.1 * (random() - 0.5))),
      })
      const best = Math.max(...candidates.map(truth))
      if (task >= 400) {
        regret += best - truth(candidates[first!]!)
        regretOfScores += best - truth(candidates.toSorted((a, b) => b.score - a.score)[0]!)
      }
    }
    assert.ok(regret < regretOfScores / 5, `${regret} ${regretOfScores}`)
  })

  it('puts who is below a floor first only where everybody is', () => {
    const policy = policyOf({ floors: { reliability: 0.5, quality: 0 }, explorationRate: 0.5 })
    const weak = candidate(0.9, { reliability: 0.3 })
    const sound = candidate(0.2, { reliability: 0.8 })
    const { order, probability } = policy.choose({
      taskClass: 'chat',
      candidates: [weak, sound],
      random: never,
    })
    assert.deepEqual([order, probability], [[1, 0], 1])
    const both = policy.choose({ taskClass: 'chat', candidates: [weak, weak], random: () => 0 })
    assert.deepEqual(both.order, [0, 1])
    assert.equal(both.probability, 0.75)
  })

  it('keeps what it learned when its settings change, and forgets the least recent class beyond its bound', () => {
    const policy = new LinUcbPolicy({ settings: DEFAULT_POLICY, maxClasses: 2 })
    for (const taskClass of ['a', 'b', 'a', 'c']) policy.learn({ ...candidate(0.5), taskClass, reward: 1 })
    policy.configure({ ...DEFAULT_POLICY, name: 'other', alpha: 0 })
    assert.deepEqual(
      policy.summary().map(({ taskClass, outcomes }) => [taskClass, outcomes]),
      [
        ['a', 2],
        ['c', 1],
      ],
    )
    const { version } = policy.choose({ taskClass: 'a', candidates: [candidate(0.5)], random: never })
    assert.match(version, /^other#[0-9a-f]{8}$/)
  })

  it('says by how much each feature moves a class', () => {
    const policy = policyOf()
    for (let i = 0; i < 300; i++) {
      const warm = i % 2
      policy.learn({ ...candidate(0.5, { warm }), taskClass: 'chat', reward: 0.3 + 0.4 * warm })
    }
    const [summary] = policy.summary()
    assert.ok(Math.abs(summary!.byFeature.warm! - 0.4) < 0.05, JSON.stringify(summary))
    assert.ok(Math.abs(summary!.byFeature.time!) < 0.05)
  })
})
