import assert from 'node:assert/strict'
import fc from 'fast-check'
import { inFrames } from '../../../../node/tasks/logprob-frames.ts'
import { encodeMessage } from '../../../../protocol/codec.ts'
import { MAX_LOGPROB_ALTERNATIVES, MAX_TOKEN_TEXT_BYTES } from '../../../../protocol/limits.ts'
import { providerFrameMessage } from '../../../../protocol/messages/provider-frame.ts'

const chance = fc.record({
  bytes: fc.integer({ min: 0, max: MAX_TOKEN_TEXT_BYTES }).map(length => new Uint8Array(length)),
  logprob: fc.double({ min: -100, max: 0, noNaN: true }),
})
const token = fc
  .record({ own: chance, top: fc.array(chance, { maxLength: MAX_LOGPROB_ALTERNATIVES }) })
  .map(({ own, top }) => ({ ...own, top }))

describe('frames with log-probabilities', () => {
  it('have all tokens in order, the text at the end, and fit', () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), logprobs => {
        const tokens = logprobs.map((_, i) => i)
        const frames = inFrames(tokens, 'all of the text', logprobs)
        assert.deepEqual(
          frames.flatMap(frame => frame.tokens),
          tokens,
        )
        assert.deepEqual(
          frames.flatMap(frame => frame.logprobs ?? []),
          logprobs,
        )
        assert.equal(frames.map(({ text }) => text).join(''), 'all of the text')
        for (const frame of frames) encodeMessage(providerFrameMessage, frame)
      }),
      { numRuns: 40 },
    )
  })
})
