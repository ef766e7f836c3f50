import assert from 'node:assert/strict'
import { contextPlans, defaultSlots, MIN_CONTEXT_TOKENS } from '../../../../inference/llama/context-plan.ts'

describe('contextPlans', () => {
  it('begins with all that is wanted and never exceeds what the model was trained on', () => {
    const [first] = contextPlans({ trainContextTokens: 1_024, maxContextTokens: 8_192, slots: 8 })
    assert.deepEqual(first, { contextTokens: 1_024, slots: 8 })
  })

  it('gives up slots before context, and in the end both', () => {
    const plans = [...contextPlans({ trainContextTokens: 32_768, maxContextTokens: 8_192, slots: 8 })]
    assert.deepEqual(
      plans.map(({ contextTokens, slots }) => [contextTokens, slots]),
      [
        [8_192, 8],
        [8_192, 4],
        [8_192, 2],
        [4_096, 2],
        [4_096, 1],
        [2_048, 1],
        [1_024, 1],
        [512, 1],
        [256, 1],
      ],
    )
  })

  it('ends for every model', () => {
    for (const trainContextTokens of [1, 100, MIN_CONTEXT_TOKENS, 1_000, 131_072]) {
      for (const slots of [1, 3, 8]) {
        const plans = [...contextPlans({ trainContextTokens, maxContextTokens: 65_536, slots })]
        assert.equal(plans.at(-1)?.slots, 1)
        assert.ok(plans.length < 40)
      }
    }
  })
})

describe('defaultSlots', () => {
  it('gives small models and GPUs more', () => {
    assert.equal(defaultSlots(1_000_000, false), 8)
    assert.equal(defaultSlots(7_000_000_000, false), 4)
    assert.equal(defaultSlots(7_000_000_000, true), 8)
  })
})
