/// <reference lib="esnext.float16" />
import { packQ3K } from './quantize-q3k.ts'

/** The tensor types this writer makes, with what ggml calls them in a file and how they pack elements. */
export const WRITABLE_TYPES = {
  F32: { id: 0, blockElements: 1, blockBytes: 4 },
  F16: { id: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { id: 2, blockElements: 32, blockBytes: 18 },
  Q8_0: { id: 8, blockElements: 32, blockBytes: 34 },
  Q3_K: { id: 11, blockElements: 256, blockBytes: 110 },
} as const
export type WritableType = keyof typeof WRITABLE_TYPES

/**
 * Packs elements as a tensor type stores them, little-endian; `dequantize` is the inverse, up to the error.
 *
 * `Q8_0`: blocks of 32, a float16 scale d = max|x| / 127 and 32 int8, error at most d / 2.
 * `Q4_0`: blocks of 32, a float16 scale d = (the element of largest magnitude) / -8 and 32 nibbles q with
 * x = d (q - 8), element i in the low and i + 16 in the high half of byte i; error at most |d| (the end
 * opposite to the largest element is cut off at 7 d). Both add what rounding d to float16 costs.
 * `Q3_K`: see `quantize-q3k.ts`.
 * Source: `quantize_row_q8_0_ref` and `quantize_row_q4_0_ref` of ggml-quants.c.
 *
 * @param elements a whole number of blocks of finite numbers
 * @throws {RangeError} on a broken block or a number that is not finite
 */
export function quantize(type: WritableType, elements: Float32Array): Uint8Array {
  const { blockElements, blockBytes } = WRITABLE_TYPES[type]
  if (elements.length % blockElements !== 0) {
    throw new RangeError(
      `${elements.length} elements are no whole number of ${type} blocks of ${blockElements}`,
    )
  }
  if (!elements.every(Number.isFinite)) throw new RangeError('a tensor holds a number that is not finite')
  const bytes = new Uint8Array((elements.length / blockElements) * blockBytes)
  const view = new DataView(bytes.buffer)
  if (type === 'F32') {
    for (const [i, x] of elements.entries()) view.setFloat32(4 * i, x, true)
  } else if (type === 'F16') {
    for (const [i, x] of elements.entries()) view.setFloat16(2 * i, x, true)
  } else {
    const block = { Q8_0: packQ8, Q4_0: packQ4, Q3_K: packQ3K }[type]
    for (let at = 0, to = 0; at < elements.length; at += blockElements, to += blockBytes) {
      block(elements.subarray(at, at + blockElements), view, to)
    }
  }
  return bytes
}

function packQ8(block: Float32Array, view: DataView, to: number): void {
  const largest = block.reduce((max, x) => Math.max(max, Math.abs(x)), 0)
  const scale = Math.fround(largest / 127)
  const inverse = scale === 0 ? 0 : 1 / scale
  view.setFloat16(to, scale, true)
  for (const [i, x] of block.entries()) {
    view.setInt8(to + 2 + i, Math.max(-127, Math.min(127, Math.round(x * inverse))))
  }
}

function packQ4(block: Float32Array, view: DataView, to: number): void {
  const extreme = block.reduce((max, x) => (Math.abs(x) > Math.abs(max) ? x : max), 0)
  const scale = Math.fround(extreme / -8)
  const inverse = scale === 0 ? 0 : 1 / scale
  const code = (x: number) => Math.max(0, Math.min(15, Math.floor(x * inverse + 8.5)))
  view.setFloat16(to, scale, true)
  for (let i = 0; i < 16; i++)
    view.setUint8(to + 2 + i, code(block[i] ?? 0) | (code(block[i + 16] ?? 0) << 4))
}
