import { LearningError } from '../errors.ts'
import { type BaseShape, linearSizes } from './base-shape.ts'

const MEBIBYTE = 1024 * 1024
/** WebAssembly's memory ends at 4 GiB; allocation by size classes leaves gaps. */
const MOST_BYTES = 3.75 * 1024 * MEBIBYTE
export const DEFAULT_MEMORY_BYTES = 3 * 1024 * MEBIBYTE
/** Of the last layer's weights, and of its numbers, at a time. */
const RUN_BYTES = 32 * MEBIBYTE

export interface MemoryOptions {
  rows: number
  rowTokens: number
  /** Of all factors together, as 32-bit floats. */
  factorBytes: number
  /** What arrays may take in all. */
  memoryBytes: number
  /** Tokens of the vocabulary that the last layer is computed for at a time; chosen when left out. */
  headRun?: number
}

/** What is kept between the passes of a step, and what is made anew because there is no room for it. */
export interface MemoryPlan {
  /** Of so many blocks, the last ones, the forward pass's numbers are kept; the others are computed twice. */
  tracedLayers: number
  /** Of so many blocks, the first ones, the weights are kept; the others are read from the file for each pass. */
  keptLayers: number
  /** Tokens of the vocabulary that the last layer is computed for at a time. */
  headRun: number
  keepHead: boolean
  /** The last layer's numbers are kept for the backward pass. */
  keepPowers: boolean
  /** What a step is reckoned to take if nothing is kept. */
  needed: number
  /** What it is reckoned to take as planned. */
  bytes: number
}

/**
 * Divides memory: first to what there is no doing without, then to what saves most time for its bytes.
 * @throws {LearningError} TRAINING_MEMORY when it does not suffice for the first
 */
export function planMemory(shape: BaseShape, options: MemoryOptions): MemoryPlan {
  const { rows, rowTokens, factorBytes } = options
  const limit = Math.min(options.memoryBytes, MOST_BYTES)
  const n = rows * rowTokens
  const { layers, width, vocabulary, heads, headDim, kvHeads, ff } = shape
  const queries = heads * headDim
  const keys = kvHeads * headDim
  const sizes = Object.values(linearSizes(shape))
  const layerBytes = sizes.reduce((sum, { inputs, outputs }) => sum + 4 * inputs * outputs, 0)
  const shares = heads * rowTokens
  // As `LayerTrace` lists them.
  const traceBytes = 4 * n * (5 * width + 3 * queries + 3 * keys + 3 * ff + shares)
  // A program's intermediate results are all there at once; each linear layer makes three of its outputs or inputs.
  const linearNumbers = sizes.reduce((sum, { inputs, outputs }) => sum + 3 * Math.max(inputs, outputs), 0)
  const workBytes = 4 * n * (linearNumbers + 8 * width + 6 * ff + 4 * queries + 5 * shares) + traceBytes
  const headRun = Math.min(
    vocabulary,
    options.headRun ?? Math.max(256, Math.floor(RUN_BYTES / 4 / Math.max(width, n))),
  )
  const headWork = 4 * (headRun * width + 6 * headRun * n + 6 * n * width)
  const needed = Math.max(workBytes + layerBytes, headWork) + 4 * n * width * (layers + 4) + 3 * factorBytes
  if (needed > limit) {
    throw new LearningError(
      'TRAINING_MEMORY',
      `a step on this base takes ${mebibytes(needed)} MiB, ${mebibytes(limit)} are allowed`,
      {
        fix: 'Make rows shorter or fewer, allow more memory, take a smaller base, or name an external trainer.',
        details: { neededBytes: needed, allowedBytes: limit },
      },
    )
  }
  let rest = limit - needed
  const take = (bytes: number, most: number) => {
    const count = Math.min(most, Math.floor(rest / bytes))
    rest -= count * bytes
    return count
  }
  const keepPowers = take(4 * n * vocabulary, 1) === 1
  const tracedLayers = take(traceBytes, layers)
  const keepHead = take(4 * vocabulary * width, 1) === 1
  const keptLayers = take(layerBytes, layers)
  return { tracedLayers, keptLayers, headRun, keepHead, keepPowers, needed, bytes: limit - rest }
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / MEBIBYTE)
}
