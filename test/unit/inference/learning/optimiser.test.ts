import assert from 'node:assert/strict'
import { initialFactors } from '../../../../inference/learning/initial-factors.ts'
import {
  adamWStep,
  clipScale,
  globalNorm,
  initialAdamWState,
} from '../../../../inference/learning/jax-trainer/adamw.ts'
import { learningRateAt } from '../../../../inference/learning/jax-trainer/learning-rate.ts'
import { SeededNumbers } from '../../../../inference/learning/seeded-numbers.ts'

const near = (actual: number, expected: number, within = 1e-6) =>
  assert(Math.abs(actual - expected) <= within, `${actual} instead of ${expected}`)

describe('AdamW', () => {
  const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 }

  it('takes the steps that its paper writes down', () => {
    const values = Float32Array.of(1, -2)
    const state = initialAdamWState([2])
    // As worked out by hand from algorithm 2: the first step is the rate times the sign, and the decay.
    adamWStep([values], [Float32Array.of(0.5, -0.001)], state, { ...options, learningRate: 0.1, scale: 1 })
    near(values[0]!, 1 - 0.1 * (1 + 0.1))
    near(values[1]!, -2 + 0.1 * (1 + 0.2), 1e-5)
    adamWStep([values], [Float32Array.of(-0.5, 0)], state, { ...options, learningRate: 0.1, scale: 1 })
    const first = (0.9 * 0.05 - 0.05) / (1 - 0.81)
    const second = (0.99 * 0.0025 + 0.0025) / (1 - 0.9801)
    near(values[0]!, 0.89 - 0.1 * (first / Math.sqrt(second) + 0.1 * 0.89))
  })

  it('has its gradients clipped together', () => {
    const gradients = [Float32Array.of(3), Float32Array.of(0, 4)]
    assert.equal(globalNorm(gradients), 5)
    assert.equal(clipScale(5, 1), 0.2)
    assert.equal(clipScale(0.5, 1), 1)
    const state = initialAdamWState([1])
    const values = Float32Array.of(0)
    adamWStep([values], [Float32Array.of(10)], state, { ...options, learningRate: 1, scale: 0.1 })
    near(state.moments[0]!.first[0]!, 0.1)
  })
})

describe('the learning rate', () => {
  const settings = { steps: 100, learningRate: 2, finalLearningRateShare: 0.1, warmupShare: 0.1 }

  it('rises, then falls as half a cosine to its share', () => {
    near(learningRateAt(0, settings), 0.2)
    near(learningRateAt(9, settings), 2)
    near(learningRateAt(10, settings), 2)
    near(learningRateAt(99, settings), 0.2)
    const rates = Array.from({ length: 90 }, (_, i) => learningRateAt(10 + i, settings))
    assert(rates.every((rate, i) => i === 0 || rate < rates[i - 1]!))
    near((rates[44]! + rates[45]!) / 2, 1.1)
  })

  it('is a number for trainings of any length', () => {
    for (const steps of [1, 2, 3]) {
      for (const warmupShare of [0, 0.5, 1]) {
        for (let step = 0; step < steps; step++) {
          const rate = learningRateAt(step, { ...settings, steps, warmupShare })
          assert(rate > 0 && rate <= 2, `${rate}`)
        }
      }
    }
  })
})

describe('numbers from a seed', () => {
  it('are the same everywhere', () => {
    const numbers = new SeededNumbers(42, 'test')
    assert.deepEqual(
      [numbers.word(), numbers.word(), numbers.word()],
      [816_308_733, 889_643_145, 2_391_351_848],
    )
    const [factors] = initialFactors([{ name: 'output', inputs: 4, outputs: 2 }], { rank: 2, seed: 42 })
    assert.deepEqual([...factors!.b], [0, 0, 0, 0])
    assert(factors!.a.every(value => Math.abs(value) <= 0.5 && value !== 0))
  })

  it('are fair', () => {
    const numbers = new SeededNumbers(1, 'fair')
    const counts = [0, 0, 0]
    for (let i = 0; i < 30_000; i++) counts[numbers.below(3)]! += 1
    assert(
      counts.every(count => Math.abs(count - 10_000) < 400),
      String(counts),
    )
    let sum = 0
    for (let i = 0; i < 30_000; i++) sum += numbers.symmetric()
    near(sum / 30_000, 0, 0.02)
  })
})
