import assert from 'node:assert/strict'
import { quantizationBits, withoutQuantization } from '../../../../inference/models/quantization-suffix.ts'

describe('quantisation in the name of a model', () => {
  for (const [name, base, bits] of [
    ['shoal-mini-q8_0', 'shoal-mini', 8],
    ['Qwen3-0.6B-Q4_K_M', 'Qwen3-0.6B', 4],
    ['llama-iq2_xs', 'llama', 2],
    ['llama-f16', 'llama', 16],
    ['llama-bf16', 'llama', 16],
    ['falcon-f1', 'falcon-f1', 0],
    ['shoal-q', 'shoal-q', 0],
    ['q8_0-mini', 'q8_0-mini', 0],
  ] as const) {
    it(name, () => {
      assert.equal(withoutQuantization(name), base)
      assert.equal(quantizationBits(name), bits)
    })
  }
})
