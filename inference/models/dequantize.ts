/// <reference lib="esnext.float16" />
import { unpackQ3K } from './quantize-q3k.ts'

/** The tensor types whose elements can be read, packed as in `TENSOR_TYPES`. */
const READABLE = {
  F32: { blockElements: 1, blockBytes: 4, unpack: unpackF32 },
  F16: { blockElements: 1, blockBytes: 2, unpack: unpackF16 },
  BF16: { blockElements: 1, blockBytes: 2, unpack: unpackBF16 },
  Q4_0: { blockElements: 32, blockBytes: 18, unpack: unpackQ4 },
  Q8_0: { blockElements: 32, blockBytes: 34, unpack: unpackQ8 },
  Q3_K: { blockElements: 256, blockBytes: 110, unpack: unpackQ3KBlocks },
  Q4_K: { blockElements: 256, blockBytes: 144, unpack: unpackQ4K },
  Q6_K: { blockElements: 256, blockBytes: 210, unpack: unpackQ6K },
} as const
export type ReadableType = keyof typeof READABLE

export function isReadableType(type: string): type is ReadableType {
  return Object.hasOwn(READABLE, type)
}

/**
 * Reads elements that a GGUF file stores packed, as llama.cpp reads them: each product and difference is rounded
 * to 32 bits once, which gives the bits of ggml's own arithmetic.
 *
 * `Q8_0`: x = d·q, blocks of 32 with a float16 d. `Q4_0`: x = d·(q − 8).
 * `Q4_K`: x = d·s·q − m·t: 256 elements with float16 d and m, eight 6-bit s and t, 4-bit q.
 * `Q6_K`: x = d·s·(q − 32): 256 elements with a float16 d, sixteen 8-bit s, 6-bit q.
 * Layouts: `block_*` of ggml-common.h, read as `dequantize_row_*` of ggml-quants.c does.
 *
 * @param out where the elements go; made anew when left out
 * @returns `out`
 * @throws {RangeError} on a broken block, or where `out` has another number of elements
 */
export function dequantize(type: ReadableType, bytes: Uint8Array, out?: Float32Array): Float32Array {
  const { blockElements, blockBytes, unpack } = READABLE[type]
  if (bytes.length % blockBytes !== 0) {
    throw new RangeError(`${bytes.length} bytes are no whole number of ${type} blocks of ${blockBytes}`)
  }
  const blocks = bytes.length / blockBytes
  const elements = out ?? new Float32Array(blocks * blockElements)
  if (elements.length !== blocks * blockElements) {
    throw new RangeError(`${blocks * blockElements} elements do not fit into ${elements.length} places`)
  }
  unpack(bytes, elements)
  return elements
}

function unpackF32(bytes: Uint8Array, out: Float32Array): void {
  const target = new Uint8Array(out.buffer, out.byteOffset, out.byteLength)
  target.set(bytes)
}

function unpackF16(bytes: Uint8Array, out: Float32Array): void {
  const even = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  out.set(new Float16Array(even.buffer, even.byteOffset, out.length))
}

/** The upper half of a 32-bit float. */
function unpackBF16(bytes: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
  for (let i = 0; i < bits.length; i++) bits[i] = (bytes[2 * i]! << 16) | (bytes[2 * i + 1]! << 24)
}

function unpackQ8(bytes: Uint8Array, out: Float32Array): void {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const scales = viewOf(bytes)
  for (let from = 0, at = 0; at < out.length; from += 34, at += 32) {
    const scale = scales.getFloat16(from, true)
    for (let i = 0; i < 32; i++) out[at + i] = scale * signed[from + 2 + i]!
  }
}

function unpackQ4(bytes: Uint8Array, out: Float32Array): void {
  const scales = viewOf(bytes)
  for (let from = 0, at = 0; at < out.length; from += 18, at += 32) {
    const scale = scales.getFloat16(from, true)
    for (let i = 0; i < 16; i++) {
      const pair = bytes[from + 2 + i]!
      out[at + i] = scale * ((pair & 15) - 8)
      out[at + 16 + i] = scale * ((pair >> 4) - 8)
    }
  }
}

function unpackQ3KBlocks(bytes: Uint8Array, out: Float32Array): void {
  const view = viewOf(bytes)
  for (let from = 0, at = 0; at < out.length; from += 110, at += 256) {
    unpackQ3K(view, from, out.subarray(at, at + 256))
  }
}

/** Parts of a block: d, m, twelve bytes of s and t, then codes: low halves of 32 bytes are 32 elements, high halves the next. */
function unpackQ4K(bytes: Uint8Array, out: Float32Array): void {
  const view = viewOf(bytes)
  for (let from = 0, at = 0; at < out.length; from += 144, at += 256) {
    const unit = view.getFloat16(from, true)
    const minUnit = view.getFloat16(from + 2, true)
    for (let part = 0; part < 8; part++) {
      const { scale, min } = scaleAndMin(bytes, from + 4, part)
      const step = unit * scale
      const low = minUnit * min
      const codes = from + 16 + 32 * (part >> 1)
      const shift = 4 * (part & 1)
      const to = at + 32 * part
      for (let i = 0; i < 32; i++) out[to + i] = step * ((bytes[codes + i]! >> shift) & 15) - low
    }
  }
}

/** Of the first four parts in the low six bits of a byte each; of the others in four bits, with two left over in the first four's bytes. */
function scaleAndMin(bytes: Uint8Array, from: number, part: number): { scale: number; min: number } {
  if (part < 4) return { scale: bytes[from + part]! & 63, min: bytes[from + part + 4]! & 63 }
  const shared = bytes[from + part + 4]!
  return {
    scale: (shared & 15) | ((bytes[from + part - 4]! >> 6) << 4),
    min: (shared >> 4) | ((bytes[from + part]! >> 6) << 4),
  }
}

/** Parts of a block: 128 bytes with four low bits of each code, 64 with two high ones, sixteen scales, d. */
function unpackQ6K(bytes: Uint8Array, out: Float32Array): void {
  const view = viewOf(bytes)
  for (let from = 0, at = 0; at < out.length; from += 210, at += 256) {
    const unit = view.getFloat16(from + 208, true)
    for (let run = 0; run < 8; run++) {
      // Runs 0 to 3 are the first half of the block, 4 to 7 the second.
      const half = run >> 2
      const quarter = run & 3
      const low = from + 64 * half + 32 * (quarter & 1)
      const lowShift = 4 * (quarter >> 1)
      const high = from + 128 + 32 * half
      const highShift = 2 * quarter
      const to = at + 32 * run
      for (let i = 0; i < 32; i++) {
        const code = ((bytes[low + i]! >> lowShift) & 15) | (((bytes[high + i]! >> highShift) & 3) << 4)
        const scale = view.getInt8(from + 192 + 2 * run + (i >> 4))
        out[to + i] = unit * scale * (code - 32)
      }
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
