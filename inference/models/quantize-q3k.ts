/// <reference lib="esnext.float16" />

/** Elements of one super-block, and of each of the sixteen blocks in it that have a scale of their own. */
const ELEMENTS = 256
const BLOCK = 16
/** Where a super-block's parts begin: high bits of the codes, their low bits, the blocks' scales, and the scale of those. */
const LOW = 32
const SCALES = 96
const SCALE = 108

/**
 * Packs 256 elements as ggml's `Q3_K`: x = d · (s − 32) · q with a float16 d, sixteen 6-bit s, and q from −4 to 3.
 * Layout: `block_q3_K` of ggml-common.h, read as `dequantize_row_q3_K` of ggml-quants.c does. Scales are chosen among
 * a few around the one that fits a block's largest element, by least squares weighted with x².
 */
export function packQ3K(elements: Float32Array, view: DataView, to: number): void {
  const wanted = Array.from({ length: ELEMENTS / BLOCK }, (_, i) =>
    bestScale(elements.subarray(i * BLOCK, (i + 1) * BLOCK)),
  )
  const extreme = wanted.reduce((most, scale) => (Math.abs(scale) > Math.abs(most) ? scale : most), 0)
  view.setFloat16(to + SCALE, extreme / -32, true)
  const unit = view.getFloat16(to + SCALE, true)
  for (let i = 0; i < SCALE; i++) view.setUint8(to + i, 0)
  for (const [block, scale] of wanted.entries()) {
    const code = unit === 0 ? 32 : clamp(Math.round(scale / unit), -32, 31) + 32
    putScale(view, to, block, code)
    const step = unit * (code - 32)
    for (let i = 0; i < BLOCK; i++) {
      const at = block * BLOCK + i
      putCode(view, to, at, step === 0 ? 0 : clamp(Math.round(elements[at]! / step), -4, 3))
    }
  }
}

/** The inverse of `packQ3K`, up to its error. */
export function unpackQ3K(view: DataView, from: number, elements: Float32Array): void {
  const unit = view.getFloat16(from + SCALE, true)
  for (let at = 0; at < ELEMENTS; at++) {
    const { byte, shift, bit, high } = placeOf(at)
    const low = (view.getUint8(from + LOW + byte) >> shift) & 3
    const isHigh = (view.getUint8(from + high) >> bit) & 1
    elements[at] = unit * (scaleAt(view, from, Math.floor(at / BLOCK)) - 32) * (low + 4 * isHigh - 4)
  }
}

/** Two low bits of an element's code share a byte with those 32, 64 and 96 further on; its high bit has a mask of its own. */
function placeOf(at: number) {
  const half = at >> 7
  const row = (at >> 5) & 3
  return { byte: 32 * half + (at & 31), shift: 2 * row, bit: 4 * half + row, high: at & 31 }
}

function putCode(view: DataView, to: number, at: number, q: number): void {
  const { byte, shift, bit, high } = placeOf(at)
  const code = q + 4
  view.setUint8(to + LOW + byte, view.getUint8(to + LOW + byte) | ((code & 3) << shift))
  if (code > 3) view.setUint8(to + high, view.getUint8(to + high) | (1 << bit))
}

/** Low four bits of scale i lie in byte i mod 8 (the upper half of it from the eighth on), the high two in byte 8 + i mod 4. */
function putScale(view: DataView, to: number, block: number, code: number): void {
  const low = to + SCALES + (block % 8)
  view.setUint8(low, view.getUint8(low) | ((code & 15) << (block < 8 ? 0 : 4)))
  const high = to + SCALES + 8 + (block % 4)
  view.setUint8(high, view.getUint8(high) | ((code >> 4) << (2 * Math.floor(block / 4))))
}

function scaleAt(view: DataView, from: number, block: number): number {
  const low = (view.getUint8(from + SCALES + (block % 8)) >> (block < 8 ? 0 : 4)) & 15
  const high = (view.getUint8(from + SCALES + 8 + (block % 4)) >> (2 * Math.floor(block / 4))) & 3
  return low | (high << 4)
}

/** The scale with the least weighted error among those for which the extreme element comes near code −4. */
function bestScale(block: Float32Array): number {
  const extreme = block.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0)
  if (extreme === 0) return 0
  let best = { scale: extreme / -4, error: Number.POSITIVE_INFINITY }
  for (let tenths = -9; tenths <= 9; tenths++) {
    const inverse = (-4 + tenths / 10) / extreme
    let [product, square] = [0, 0]
    for (const x of block) {
      const q = clamp(Math.round(x * inverse), -4, 3)
      product += x * x * x * q
      square += x * x * q * q
    }
    // Least squares for the codes that this scale gives.
    if (square === 0) continue
    const scale = product / square
    const error = block.reduce((sum, x) => {
      const off = x - scale * clamp(Math.round(x / scale), -4, 3)
      return sum + x * x * off * off
    }, 0)
    if (error < best.error) best = { scale, error }
  }
  return best.scale
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value))
}
