import { setImmediate as othersTurn } from 'node:timers/promises'

/** Numbers of one tensor and how much one of them weighs, by its row or its column. */
export interface Weighted {
  values: Float32Array
  /** Of an element: [rank][inputs] by its row, [outputs][rank] by its column. */
  weightOf: (index: number) => number
}

const floats = new Float32Array(1)
const words = new Uint32Array(floats.buffer)

/**
 * The weighted magnitude that about `count` of all numbers reach, and no more than that many exceed: found by their bits, in
 * two passes over them, since to sort millions of numbers takes seconds.
 * @returns a threshold, and how many of those that are equal to it may be kept
 */
export async function thresholdOf(
  tensors: readonly Weighted[],
  count: number,
): Promise<{ threshold: number; ties: number }> {
  if (count <= 0) return { threshold: Number.POSITIVE_INFINITY, ties: 0 }
  const upper = await histogram(tensors, bits => bits >>> 16, 0x10000, null)
  const coarse = findFromTop(upper, count)
  const lower = await histogram(tensors, bits => bits & 0xffff, 0x10000, coarse.bin)
  const fine = findFromTop(lower, count - coarse.above)
  words[0] = coarse.bin * 0x10000 + fine.bin
  const threshold = floats[0]!
  return { threshold, ties: threshold === 0 ? 0 : count - coarse.above - fine.above }
}

/** What decides whether a number is kept. */
export function importance({ values, weightOf }: Weighted, index: number): number {
  return Math.fround(Math.abs(values[index]!) * weightOf(index))
}

async function histogram(
  tensors: readonly Weighted[],
  binOf: (bits: number) => number,
  bins: number,
  upper: number | null,
): Promise<Uint32Array> {
  const counts = new Uint32Array(bins)
  for (const tensor of tensors) {
    await othersTurn()
    for (let i = 0; i < tensor.values.length; i++) {
      // The bits of floats that are not negative are ordered as they are.
      floats[0] = importance(tensor, i)
      const bits = words[0]!
      if (upper === null || bits >>> 16 === upper) counts[binOf(bits)]! += 1
    }
  }
  return counts
}

/** The bin in which the `count`th from the top lies, and how many lie above that bin. */
function findFromTop(counts: Uint32Array, count: number): { bin: number; above: number } {
  let above = 0
  for (let bin = counts.length - 1; bin > 0; bin--) {
    if (above + counts[bin]! >= count) return { bin, above }
    above += counts[bin]!
  }
  return { bin: 0, above }
}
