import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Sampler } from '../../../../inference/sampling/sampler.ts'

const SEED = `0x${'7'.repeat(64)}`

describe('the lead of a winner', () => {
  it('is the least margin by which another candidate lost', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ min: -10, max: 0, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(0, 0.5, 1, 1.7),
        fc.constantFrom(0, 3),
        fc.nat(1_000),
        (logits, temperature, topK, position) => {
          const sampler = new Sampler({ temperature, topK, minP: 0, topP: 1 }, SEED)
          const candidates = {
            tokens: logits.map((_, token) => token),
            logits: logits.toSorted((a, b) => b - a),
          }
          const margins = candidates.tokens.map(token => sampler.marginOf(candidates, position, token))
          const lost = margins.flatMap(({ state, margin }) => (state === 'lost' ? [margin] : []))
          const least = Math.min(Number.POSITIVE_INFINITY, ...lost)
          assert.ok(sampler.lead === least || Math.abs(sampler.lead - least) < 1e-9)
        },
      ),
    )
  })

  it('is the same for whatever token is asked about', () => {
    const sampler = new Sampler({ temperature: 1, topK: 2, minP: 0, topP: 1 }, SEED)
    const candidates = { tokens: [5, 6, 7], logits: [-0.5, -1, -2] }
    const leads = [5, 6, 7, 8].map(token => {
      sampler.marginOf(candidates, 3, token)
      return sampler.lead
    })
    assert.equal(new Set(leads).size, 1)
  })
})
