import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BATCH_TOKENS } from '../../../../inference/llama/model-loading.ts'
import { scoreBatchTokens } from '../../../../inference/llama/score-batch.ts'

describe('scoreBatchTokens', () => {
  it('gives small models whole answers and large ones short batches', () => {
    const sizes = [4_950_000, 353e6, 499e6, 500e6, 999e6, 1e9, 1.9e9, 2e9, 8e9, 405e9]
    assert.deepEqual(sizes.map(scoreBatchTokens), [512, 512, 512, 512, 512, 256, 256, 128, 128, 128])
  })

  it('fits a context, has its least, and is no longer for a larger model', () => {
    const parameters = fc.double({ min: 0, max: 1e13, noNaN: true })
    fc.assert(
      fc.property(parameters, parameters, (one, other) => {
        const tokens = scoreBatchTokens(one)
        assert.ok(tokens >= 128 && tokens <= BATCH_TOKENS)
        if (one < other) assert.ok(tokens >= scoreBatchTokens(other))
      }),
    )
  })
})
