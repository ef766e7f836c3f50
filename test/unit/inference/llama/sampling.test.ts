import assert from 'node:assert/strict'
import fc from 'fast-check'
import { continuationSeed, evaluateOptions } from '../../../../inference/llama/sampling.ts'

const sampling = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0.05, seed: 7 }

describe('continuationSeed', () => {
  it('is the seed itself at the beginning', () => {
    assert.equal(continuationSeed(7, 0), 7)
  })

  it('is another one for each length', () => {
    const seeds = new Set(Array.from({ length: 1_000 }, (_, written) => continuationSeed(7, written)))
    assert.equal(seeds.size, 1_000)
  })

  it('never is the one llama.cpp takes for a random one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat(10_000), (seed, written) => {
        const mixed = continuationSeed(seed, written)
        assert.ok(Number.isInteger(mixed) && mixed >= 0 && mixed < 0xffff_ffff)
      }),
    )
    assert.notEqual(continuationSeed(0xffff_ffff, 0), 0xffff_ffff)
  })
})

describe('evaluateOptions', () => {
  it('refuses what is out of range', () => {
    const wrong = [
      { temperature: -1 },
      { temperature: Number.NaN },
      { temperature: Number.POSITIVE_INFINITY },
      { topP: 1.5 },
      { minP: -0.1 },
      { topK: 1.5 },
      { topK: -1 },
      { seed: -1 },
      { seed: 2 ** 32 },
    ]
    for (const part of wrong) {
      assert.throws(
        () => evaluateOptions({ ...sampling, ...part }, 0),
        { code: 'INPUT_INVALID' },
        JSON.stringify(part),
      )
    }
    assert.equal(evaluateOptions(sampling, 0).seed, 7)
  })
})
