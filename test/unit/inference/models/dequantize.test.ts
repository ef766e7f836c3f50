/// <reference lib="esnext.float16" />
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { dequantize, isReadableType } from '../../../../inference/models/dequantize.ts'
import { TENSOR_TYPES } from '../../../../inference/models/gguf-types.ts'

const half = (value: number): number[] => {
  const bytes = new Uint8Array(2)
  new DataView(bytes.buffer).setFloat16(0, value, true)
  return [...bytes]
}
const bytesOf = (...parts: readonly (readonly number[])[]) => Uint8Array.from(parts.flat())
const times = (count: number, value: number) => new Array<number>(count).fill(value)

// Each vector is written out from the layouts in ggml-common.h, with its elements worked out by hand.
describe('dequantize', () => {
  it('reads floats of 32, 16 and brain-16 bits', () => {
    assert.deepEqual(
      [...dequantize('F32', new Uint8Array(Float32Array.of(1.1, -2).buffer))],
      [...Float32Array.of(1.1, -2)],
    )
    assert.deepEqual([...dequantize('F16', bytesOf(half(0.5), half(-65504)))], [0.5, -65504])
    // 0x3fc0 is the upper half of 1.5, 0xc0a0 of -5.
    assert.deepEqual([...dequantize('BF16', Uint8Array.of(0xc0, 0x3f, 0xa0, 0xc0))], [1.5, -5])
  })

  it('reads halves that begin at an odd byte', () => {
    const shifted = bytesOf([9], half(0.25), half(3)).subarray(1)
    assert.deepEqual([...dequantize('F16', shifted)], [0.25, 3])
    assert.deepEqual([...dequantize('BF16', Uint8Array.of(9, 0xc0, 0x3f).subarray(1))], [1.5])
  })

  it('reads Q8_0', () => {
    const block = bytesOf(half(0.5), [0, 1, 127, 128, 255], times(27, 2))
    assert.deepEqual([...dequantize('Q8_0', block)], [0, 0.5, 63.5, -64, -0.5, ...times(27, 1)])
  })

  it('reads Q4_0: low halves first, then high ones', () => {
    const block = bytesOf(half(2), [0xf0], times(15, 0x98))
    assert.deepEqual([...dequantize('Q4_0', block)], [-16, ...times(15, 0), 14, ...times(15, 2)])
  })

  it('reads Q4_K: six-bit scales and minima of all eight parts', () => {
    // Scales 1 2 3 4 and 5 22 39 63, minima 0 1 2 3 and 4 21 38 60.
    const low = [1, 2, 3, 4].map((scale, i) => scale | (([5, 22, 39, 63][i]! >> 4) << 6))
    const mins = [0, 1, 2, 3].map((min, i) => min | (([4, 21, 38, 60][i]! >> 4) << 6))
    const shared = [5, 22, 39, 63].map((scale, i) => (scale & 15) | (([4, 21, 38, 60][i]! & 15) << 4))
    const block = bytesOf(half(0.5), half(2), low, mins, shared, times(128, 0x7a))
    const scales = [1, 2, 3, 4, 5, 22, 39, 63]
    const minima = [0, 1, 2, 3, 4, 21, 38, 60]
    const expected = scales.flatMap((scale, part) =>
      times(32, 0.5 * scale * (part % 2 === 0 ? 10 : 7) - 2 * minima[part]!),
    )
    assert.deepEqual([...dequantize('Q4_K', block)], expected)
  })

  it('reads Q6_K: four runs of 32 share the bytes of each half', () => {
    const scales = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? i + 1 : 256 - i))
    const signed = scales.map(scale => (scale > 127 ? scale - 256 : scale))
    // Low halves 1 and high halves 12; high bits 0, 1, 2, 3 of the four runs.
    const block = bytesOf(times(128, 0xc1), times(64, 0b11_10_01_00), scales, half(0.25))
    const codes = [1, 1 + 16, 12 + 32, 12 + 48]
    const expected = [0, 1].flatMap(side =>
      codes.flatMap((code, run) =>
        [0, 1].flatMap(part => times(16, 0.25 * signed[8 * side + 2 * run + part]! * (code - 32))),
      ),
    )
    assert.deepEqual([...dequantize('Q6_K', block)], expected)
  })

  it('gives as many elements as the table of types says, wherever the bytes begin', () => {
    for (const { name, blockElements, blockBytes } of TENSOR_TYPES.values()) {
      if (!isReadableType(name)) continue
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 2 * blockBytes, maxLength: 2 * blockBytes }),
          fc.nat(3),
          (raw, shift) => {
            const moved = new Uint8Array(raw.length + shift)
            moved.set(raw, shift)
            const elements = dequantize(name, raw)
            assert.equal(elements.length, 2 * blockElements)
            assert.deepEqual(dequantize(name, moved.subarray(shift)), elements)
          },
        ),
        { numRuns: 10 },
      )
    }
  })

  it('refuses broken blocks and places of another size', () => {
    assert.throws(() => dequantize('Q6_K', new Uint8Array(209)), RangeError)
    assert.throws(() => dequantize('Q8_0', new Uint8Array(34), new Float32Array(31)), RangeError)
    assert.equal(isReadableType('Q5_K'), false)
    assert.equal(isReadableType('toString'), false)
  })
})
