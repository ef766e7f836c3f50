import assert from 'node:assert/strict'
import { randomHex } from '../../../node/random-hex.ts'

describe('random hex', () => {
  it('has as many bytes as are asked for, and never the same twice, over many pools', () => {
    const drawn = Array.from({ length: 5_000 }, (_, i) => randomHex([12, 16, 32][i % 3]!))
    assert.equal(new Set(drawn).size, drawn.length)
    for (const [i, hex] of drawn.entries())
      assert.match(hex, new RegExp(`^[0-9a-f]{${2 * [12, 16, 32][i % 3]!}}$`))
    const zeros = drawn.filter(hex => hex.includes('0'.repeat(12)))
    assert.deepEqual(zeros, [], 'what was given out before is no part of it')
  })
})
