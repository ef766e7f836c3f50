import { type numpy as np, tree } from '@jax-js/jax'
import { BLOCK_MODULES, type BlockModule } from '../block-modules.ts'
import { arrayOf } from './arrays.ts'
import { type BlockVector, linearSizes } from './base-shape.ts'
import type { BaseWeights } from './base-weights.ts'
import type { LayerWeights } from './layer.ts'

/** Blocks' weights as arrays: as many of them as there is room for stay, the others are read anew each time. */
export class LayerStore {
  readonly #weights: BaseWeights
  /** The first of them stay. */
  readonly #kept: number
  readonly #arrays = new Map<number, LayerWeights>()

  constructor(options: { kept: number }, modules: { weights: BaseWeights }) {
    this.#kept = options.kept
    this.#weights = modules.weights
  }

  /** The caller's to give away. */
  take(layer: number): LayerWeights {
    const kept = this.#arrays.get(layer)
    if (kept !== undefined) return tree.ref(kept)
    const arrays = this.#read(layer)
    if (layer < this.#kept) this.#arrays.set(layer, tree.ref(arrays))
    return arrays
  }

  close(): void {
    for (const arrays of this.#arrays.values()) tree.dispose(arrays)
    this.#arrays.clear()
  }

  #read(layer: number): LayerWeights {
    const { shape } = this.#weights.base
    const sizes = linearSizes(shape)
    const linears: Partial<Record<BlockModule, np.Array>> = {}
    for (const name of BLOCK_MODULES) {
      const elements = this.#weights.read(`blk.${layer}.${name}.weight`)
      linears[name] = arrayOf(elements, [sizes[name].outputs, sizes[name].inputs])
    }
    const vectors: Partial<Record<BlockVector, np.Array>> = {}
    for (const name of shape.vectors) vectors[name] = arrayOf(this.#weights.read(`blk.${layer}.${name}`))
    return { linears: linears as LayerWeights['linears'], vectors }
  }
}
