import assert from 'node:assert/strict'
import { askOptionsFrom } from '../../../../node/gateway/ask-options.ts'
import { controlMethods } from '../../../../node/gateway/control-api.ts'
import { BYTES32_PATTERN } from '../../../../protocol/ids.ts'
import { nonceOfSeed } from '../../../../protocol/sampling-seed.ts'

describe('what a caller asks for', () => {
  const samplingOf = (given: object) => {
    const messages = [{ role: 'user', content: 'Hello' }]
    return askOptionsFrom(controlMethods.ask.parse({ messages, ...given }), 'SHARED').sampling
  }

  it('is sampled the same again with a seed, and anew for each task without', () => {
    const { nonce, seedScope } = samplingOf({ seed: 7 })
    assert.deepEqual([nonce, seedScope], [nonceOfSeed(7), 'nonce'])
    const [one, other] = [samplingOf({}), samplingOf({})]
    assert.deepEqual([one.seedScope, other.seedScope], ['task', 'task'])
    assert.match(one.nonce, BYTES32_PATTERN)
    assert.notEqual(one.nonce, other.nonce)
  })

  it('keeps to the candidates that the sampler looks at', () => {
    assert.equal(samplingOf({ topK: 64 }).topK, 64)
    assert.throws(() => samplingOf({ topK: 65 }), /64/)
  })
})
