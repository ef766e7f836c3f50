import assert from 'node:assert/strict'
import { createSampler } from '../../../../inference/llama/token-choice.ts'
import { seedOf } from '../../../helpers/seed.ts'

const sampling = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0.05, seed: seedOf(7) }

describe('createSampler', () => {
  it('refuses what is out of range', () => {
    const wrong = [
      { temperature: -1 },
      { temperature: Number.NaN },
      { temperature: Number.POSITIVE_INFINITY },
      { topP: 1.5 },
      { minP: -0.1 },
      { topK: 1.5 },
      { topK: -1 },
      { topK: 65 },
      { seed: '0x12' },
      { seed: '' },
    ]
    for (const part of wrong) {
      assert.throws(
        () => createSampler({ ...sampling, ...part }),
        { code: 'INPUT_INVALID' },
        JSON.stringify(part),
      )
    }
  })
})
