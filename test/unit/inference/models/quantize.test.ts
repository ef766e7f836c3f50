/// <reference lib="esnext.float16" />
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { dequantize } from '../../../../inference/models/dequantize.ts'
import { quantize, WRITABLE_TYPES } from '../../../../inference/models/quantize.ts'

const finite = fc.float({ min: -1000, max: 1000, noNaN: true, noDefaultInfinity: true })
const block = fc.array(finite, { minLength: 32, maxLength: 32 }).map(list => Float32Array.from(list))
/** What rounding a scale to float16 can cost: half a unit in the last of 11 bits, or half the smallest number. */
const scaleError = (scale: number) => Math.max(Math.abs(scale) * 2 ** -11, 2 ** -25)

describe('quantize', () => {
  it('keeps F32 bit by bit and F16 as nearest', () => {
    fc.assert(
      fc.property(block, x => {
        assert.deepEqual(dequantize('F32', quantize('F32', x)), x)
        assert.deepEqual(dequantize('F16', quantize('F16', x)), Float32Array.from(new Float16Array(x)))
      }),
    )
  })

  it('keeps Q8_0 within half a step of each number', () => {
    fc.assert(
      fc.property(block, x => {
        const back = dequantize('Q8_0', quantize('Q8_0', x))
        const step = Math.max(...x.map(Math.abs)) / 127
        for (const [i, value] of x.entries()) {
          const error = Math.abs((back[i] ?? Number.NaN) - value)
          assert.ok(
            error <= step / 2 + 127 * scaleError(step) + 1e-6,
            `${value} came back off by ${error}, step ${step}`,
          )
        }
      }),
    )
  })

  it('keeps Q4_0 within one step, and within half of one on the side of the extreme', () => {
    fc.assert(
      fc.property(block, x => {
        const back = dequantize('Q4_0', quantize('Q4_0', x))
        const extreme = x.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0)
        const step = Math.abs(extreme) / 8
        for (const [i, value] of x.entries()) {
          const error = Math.abs((back[i] ?? Number.NaN) - value)
          const bound = Math.sign(value) === -Math.sign(extreme) ? step : step / 2
          assert.ok(
            error <= bound + 8 * scaleError(step) + 1e-6,
            `${value} came back off by ${error}, step ${step}`,
          )
        }
      }),
    )
  })

  it('keeps Q3_K nearer than one step of its block, and as well as codes of three bits can on noise', () => {
    const superBlock = fc
      .array(finite, { minLength: 256, maxLength: 256 })
      .map(list => Float32Array.from(list))
    fc.assert(
      fc.property(superBlock, x => {
        const back = dequantize('Q3_K', quantize('Q3_K', x))
        const step = Math.max(...x.map(Math.abs)) / 4
        for (const [i, value] of x.entries())
          assert.ok(Math.abs(back[i]! - value) <= 1.5 * step + 1e-6, `${value} came back as ${back[i]}`)
      }),
      { numRuns: 50 },
    )
    const noise = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * i) + Math.sin(3 * i))
    const back = dequantize('Q3_K', quantize('Q3_K', noise))
    const power = (list: Float32Array) => list.reduce((sum, value) => sum + value * value, 0)
    const error = power(noise.map((value, i) => value - back[i]!)) / power(noise)
    assert.ok(error < 0.04, `relative squared error ${error}`)
  })

  it('lays out Q3_K as ggml does', () => {
    // d = -1 and all scales 1 (codes 31, s - 32 = -1): x = q.
    const bytes = new Uint8Array(110)
    const view = new DataView(bytes.buffer)
    view.setFloat16(108, -1, true)
    for (let i = 0; i < 8; i++) view.setUint8(96 + i, 0xff)
    for (let i = 8; i < 12; i++) view.setUint8(96 + i, 0b01010101)
    // Element 37: row 1 of the first half, low bits 2 and 3 of byte 5, high bit 1 of mask byte 5.
    view.setUint8(32 + 5, 0b10 << 2)
    view.setUint8(5, 1 << 1)
    // Element 128 + 96 + 31: row 3 of the second half.
    view.setUint8(32 + 32 + 31, 0b11 << 6)
    view.setUint8(31, 1 << 7)
    const back = dequantize('Q3_K', bytes)
    assert.equal(back[37], 2)
    assert.equal(back[255], 3)
    assert.equal(back[0], -4)
    assert.equal(back[5], -4)
  })

  it('lays out blocks as ggml does', () => {
    const x = Float32Array.from({ length: 32 }, (_, i) => i - 16)
    const q8 = new DataView(quantize('Q8_0', x).buffer)
    assert.equal(q8.byteLength, 34)
    assert.equal(q8.getFloat16(0, true), new Float16Array([16 / 127])[0])
    assert.equal(q8.getInt8(2), -127)
    assert.equal(q8.getInt8(2 + 16), 0)
    assert.equal(q8.getInt8(2 + 31), 119)
    const q4 = new DataView(quantize('Q4_0', x).buffer)
    assert.equal(q4.byteLength, 18)
    assert.equal(q4.getFloat16(0, true), 2)
    // Element 0 (-16 = 2 * (0 - 8)) in the low half, element 16 (0 = 2 * (8 - 8)) in the high half.
    assert.equal(q4.getUint8(2), 0x80)
  })

  it('refuses broken blocks and numbers that are not finite', () => {
    assert.throws(() => quantize('Q8_0', new Float32Array(33)), RangeError)
    assert.throws(() => dequantize('Q4_0', new Uint8Array(19)), RangeError)
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const type of Object.keys(WRITABLE_TYPES) as (keyof typeof WRITABLE_TYPES)[]) {
        assert.throws(() => quantize(type, new Float32Array(256).fill(bad)), RangeError)
      }
    }
  })

  it('maps a block of zeros to zeros', () => {
    for (const type of ['Q8_0', 'Q4_0'] as const) {
      assert.deepEqual(
        dequantize(type, quantize(type, new Float32Array(64))).map(Math.abs),
        new Float32Array(64),
      )
    }
  })
})
