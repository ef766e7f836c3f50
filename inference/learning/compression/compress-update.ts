import { setImmediate as othersTurn } from 'node:timers/promises'
import type { Adapter, AdapterModule } from '../adapter.ts'
import { checkAdapter } from '../adapter-file.ts'
import { BitWriter } from './bit-stream.ts'
import type { CompressionSettings } from './compression-settings.ts'
import { changesFor, residualOf } from './residual.ts'
import { importance, thresholdOf, type Weighted } from './selection.ts'
import { writeBlock } from './sparse-block.ts'
import { encodeHeader, forEachBlock, HEADER_BYTES, type ParentOptions } from './update-format.ts'

export interface CompressionOptions extends ParentOptions {
  settings: CompressionSettings
  /** What earlier updates of this sender left out; null where there is none. */
  residual: Adapter | null
  /** A is as the parent has it and stays so. */
  freezeA?: boolean
}

export interface CompressedUpdate {
  bytes: Uint8Array
  /** What others will have of them. */
  decoded: Adapter
  /** What was left out, an adapter of twice the rank: for the next update, whatever its parent. */
  residual: Adapter
}

/**
 * Compresses what an adapter has learned since its parent: the most important changes of its factors, with few bits each. What is
 * left out, together with the rounding, is kept by the sender and added to its next update (error feedback: Seide et al. 2014;
 * Karimireddy et al., arXiv 1901.09847; with top-k and 2 bits for language models: SparseLoCo, arXiv 2508.15706, and Covenant,
 * arXiv 2603.08163).
 *
 * A change of B's column r matters by ‖A_r‖ and one of A's row r by ‖B_r‖, since ΔW = B·A: changes are ranked by that, over
 * all modules together. Equal arguments give equal bytes.
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE, WRONG_RANK, WRONG_ALPHA
 */
export async function compressUpdate(
  update: Adapter,
  options: CompressionOptions,
): Promise<CompressedUpdate> {
  const { parent, settings, freezeA = false } = options
  checkAdapter(update, {
    architecture: parent.architecture,
    base: parent.base,
    rank: parent.rank,
    alpha: parent.alpha,
    modules: parent.modules,
  })
  const wanted = await withResidual(update, options)
  const changes: Pick<AdapterModule, 'a' | 'b'>[] = []
  const weighted: Weighted[] = []
  for (const [m, module] of wanted.modules.entries()) {
    await othersTurn()
    const change = changeOf(module, parent.modules[m]!, freezeA)
    changes.push(change)
    weighted.push(...weightsOf(module, change, wanted.rank))
  }
  const total = weighted.reduce((sum, { values }) => sum + values.length, 0)
  const count = Math.min(total, Math.max(1, Math.round(settings.density * total)))
  const { threshold, ties } = await thresholdOf(weighted, count)
  let tiesLeft = ties
  const writer = new BitWriter()
  const format = { bits: settings.bits, length: settings.blockLength }
  const modules = parent.modules.map(module => ({
    ...module,
    a: new Float32Array(module.a),
    b: new Float32Array(module.b),
  }))
  await forEachBlock(changes, format.length, ({ tensor, start, block }) => {
    const places: number[] = []
    for (let i = 0; i < block.length; i++) {
      const matters = importance(weighted[tensor]!, start + i)
      if (matters > threshold || (matters === threshold && tiesLeft-- > 0)) places.push(i)
    }
    const restored = writeBlock(writer, format, block, places)
    const module = modules[tensor >> 1]!
    const target = tensor % 2 === 0 ? module.a : module.b
    for (const [i, place] of places.entries()) target[start + place]! += restored[i]!
  })
  const stream = writer.finish()
  const bytes = new Uint8Array(HEADER_BYTES + stream.length)
  bytes.set(encodeHeader(settings, options))
  bytes.set(stream, HEADER_BYTES)
  const decoded = { ...parent, modules, metadata: {} }
  return { bytes, decoded, residual: await residualOf(wanted, decoded) }
}

/** The update with what earlier ones left out. */
async function withResidual(update: Adapter, options: CompressionOptions): Promise<Adapter> {
  const { parent, residual, settings, freezeA = false } = options
  if (residual === null) return update
  checkAdapter(residual, { architecture: parent.architecture, base: parent.base, modules: parent.modules })
  const scale = (residual.alpha / residual.rank / (parent.alpha / parent.rank)) * settings.residualShare
  const ranks = { rank: parent.rank, residualRank: residual.rank }
  const modules: AdapterModule[] = []
  for (const [m, module] of update.modules.entries()) {
    await othersTurn()
    const changes = changesFor(parent.modules[m]!, residual.modules[m]!, { ...ranks, scale, freezeA })
    modules.push({ ...module, a: sum(module.a, changes.a), b: sum(module.b, changes.b) })
  }
  return { ...update, modules }
}

function changeOf(
  module: AdapterModule,
  parent: AdapterModule,
  freezeA: boolean,
): Pick<AdapterModule, 'a' | 'b'> {
  const minus = (x: Float32Array, y: Float32Array) => x.map((value, i) => value - y[i]!)
  return {
    a: freezeA ? new Float32Array(module.a.length) : minus(module.a, parent.a),
    b: minus(module.b, parent.b),
  }
}

/** The changes of A and of B, and what one of them does to ΔW. */
function weightsOf(
  { a, b, inputs, outputs }: AdapterModule,
  change: Pick<AdapterModule, 'a' | 'b'>,
  rank: number,
): [Weighted, Weighted] {
  const ofA = new Float64Array(rank)
  const ofB = new Float64Array(rank)
  for (let r = 0; r < rank; r++) {
    for (let i = 0; i < inputs; i++) ofA[r]! += a[r * inputs + i]! ** 2
    for (let o = 0; o < outputs; o++) ofB[r]! += b[o * rank + r]! ** 2
  }
  const rowNorms = ofA.map(Math.sqrt)
  const columnNorms = ofB.map(Math.sqrt)
  return [
    { values: change.a, weightOf: index => columnNorms[Math.floor(index / inputs)]! },
    { values: change.b, weightOf: index => rowNorms[index % rank]! },
  ]
}

function sum(x: Float32Array, y: Float32Array): Float32Array {
  return x.map((value, i) => value + y[i]!)
}
