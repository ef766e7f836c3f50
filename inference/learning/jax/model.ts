import { jit, type numpy as np, tree } from '@jax-js/jax'
import type { AdapterModule, ModuleShape } from '../adapter.ts'
import { BLOCK_MODULES, type BlockModule } from '../block-modules.ts'
import { LearningError } from '../errors.ts'
import { arrayOf, numbersOf } from './arrays.ts'
import { type JaxBackend, startBackend } from './backend.ts'
import { type BaseShape, linearSizes } from './base-shape.ts'
import { BaseWeights } from './base-weights.ts'
import { HeadLoss, type HeadTargets } from './head-loss.ts'
import {
  type LayerContext,
  type LayerFactors,
  type LayerSizes,
  type LayerTrace,
  type LayerWeights,
  layerBackward,
  layerForward,
} from './layer.ts'
import { LayerStore } from './layer-store.ts'
import { DEFAULT_MEMORY_BYTES, type MemoryPlan, planMemory } from './memory-plan.ts'
import { attentionMask, positionsOf, rotaryTables } from './rotary.ts'

export interface JaxModelOptions {
  /** A GGUF file of the architecture llama, qwen2 or qwen3. */
  path: string
  rank: number
  alpha: number
  /** Kinds of linear layers to adapt: `attn_q` means that of every block; `output` the last one. */
  modules: readonly string[]
  backend: JaxBackend
  /** Every batch has `rows` rows of `rowTokens` tokens. */
  rows: number
  rowTokens: number
  /** FFA-LoRA: only b is trained; `gradients` then gives an empty array for each a. */
  freezeA?: boolean
  /** What arrays may take, and at most 3.75 GiB, which WebAssembly sets. Defaults to 3 GiB. */
  memoryBytes?: number
  /** Tokens of the vocabulary that the last layer is computed for at a time. Chosen by size when left out. */
  headRun?: number
}

/** `rows × rowTokens` of each, row by row. */
export interface JaxBatch {
  tokens: Int32Array
  /** The token that should follow each one. */
  targets: Int32Array
  /** What a target counts in the loss, 0 or more; 0 for prompts and for padding. */
  weights: Float32Array
  /**
   * Packed rows: tokens of one example have the same number, in one run; attention and positions restart where it
   * changes. Left out, each row is one example.
   */
  segments?: Int32Array
}

export interface BatchLoss {
  /** Mean over the targets of the batch, weighted, in nats. 0 where nothing weighs. */
  loss: number
  /** Sum of the weights. */
  weight: number
}

export interface BatchGradients extends BatchLoss {
  /** Of `loss`, the mean, in the order of `modules`; a is empty when A is frozen. */
  gradients: { a: Float32Array; b: Float32Array }[]
}

/** Embeddings up to this size stay in memory; of larger ones the rows that are needed are read. */
const KEPT_EMBEDDING_BYTES = 64 * 1024 * 1024

/**
 * A base model with LoRA factors on some of its linear layers: y = W x + (alpha / rank) · B (A x).
 *
 * Weights stay in their file, packed; each block's are made 32-bit floats when its turn comes, and kept as far as
 * memory allows. Between the passes only the blocks' inputs are kept where there is no room for more, and the
 * backward pass computes each block again (Chen et al., arXiv 1604.06174).
 *
 * Calls do not overlap: await one before the next. Equal calls give equal bytes on one machine and backend.
 */
export class JaxModel {
  /** The layers that are adapted, sorted by name as an adapter's file has them. */
  readonly modules: readonly ModuleShape[]
  readonly plan: MemoryPlan
  readonly #options: JaxModelOptions
  readonly #sizes: LayerSizes
  readonly #weights: BaseWeights
  readonly #layers: LayerStore
  readonly #head: HeadLoss
  readonly #programs: ReturnType<typeof compile>
  readonly #ropeFactors: Float32Array | null
  #embedding: Float32Array | null = null
  #parameters: AdapterModule[]
  #factors: LayerFactors[] = []
  #closed = false

  private constructor(
    options: JaxModelOptions,
    modules: { weights: BaseWeights; plan: MemoryPlan; ropeFactors: Float32Array | null },
  ) {
    const { shape } = modules.weights.base
    this.#options = options
    this.#weights = modules.weights
    this.#ropeFactors = modules.ropeFactors
    this.plan = modules.plan
    this.modules = adaptedModules(shape, options.modules)
    this.#sizes = {
      shape,
      rows: options.rows,
      tokens: options.rowTokens,
      scale: options.alpha / options.rank,
      freezeA: options.freezeA ?? false,
    }
    this.#layers = new LayerStore({ kept: this.plan.keptLayers }, { weights: this.#weights })
    this.#head = new HeadLoss(
      { plan: this.plan, scale: this.#sizes.scale, freezeA: this.#sizes.freezeA },
      { weights: this.#weights },
    )
    this.#programs = compile(this.#sizes)
    this.#parameters = this.modules.map(({ name, inputs, outputs }) => ({
      name,
      inputs,
      outputs,
      a: new Float32Array(options.rank * inputs),
      b: new Float32Array(options.rank * outputs),
    }))
    this.#takeFactors()
  }

  /**
   * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
   * @throws {LearningError} BASE_UNSUPPORTED, TRAINING_SETTINGS_INVALID, BACKEND_UNAVAILABLE, TRAINING_MEMORY
   */
  static async open(options: JaxModelOptions): Promise<JaxModel> {
    const weights = await BaseWeights.open(options.path)
    try {
      const { shape, tensors } = weights.base
      const modules = adaptedModules(shape, options.modules)
      if (options.rowTokens > shape.contextTokens) {
        throw new LearningError(
          'TRAINING_SETTINGS_INVALID',
          `rows of ${options.rowTokens} tokens are longer than the ${shape.contextTokens} this base was made for`,
          { fix: 'Set rowTokens no higher.', details: { contextTokens: shape.contextTokens } },
        )
      }
      const numbers = modules.reduce((sum, { inputs, outputs }) => sum + inputs + outputs, 0)
      const plan = planMemory(shape, {
        rows: options.rows,
        rowTokens: options.rowTokens,
        factorBytes: 4 * options.rank * numbers,
        memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
        ...(options.headRun === undefined ? {} : { headRun: options.headRun }),
      })
      await startBackend(options.backend)
      const ropeFactors = tensors.has('rope_freqs.weight') ? weights.read('rope_freqs.weight') : null
      return new JaxModel(options, { weights, plan, ropeFactors })
    } catch (error) {
      weights.close()
      throw error
    }
  }

  /** What is trained, in the order of `modules`; copies. All zero until set. */
  parameters(): AdapterModule[] {
    return this.#parameters.map(module => ({ ...module, a: module.a.slice(), b: module.b.slice() }))
  }

  /** @param modules all of `modules`, in that order @throws {RangeError} when they are others */
  setParameters(modules: readonly AdapterModule[]): void {
    const { rank } = this.#options
    const fits = (module: AdapterModule | undefined, { name, inputs, outputs }: ModuleShape) =>
      module?.name === name && module.a.length === rank * inputs && module.b.length === rank * outputs
    if (
      modules.length !== this.modules.length ||
      !this.modules.every((shape, i) => fits(modules[i], shape))
    ) {
      throw new RangeError('these are not the modules that this model was opened with')
    }
    this.#parameters = modules.map(module => ({ ...module, a: module.a.slice(), b: module.b.slice() }))
    this.#takeFactors()
  }

  /** @throws {LearningError} TRAINING_MEMORY when WebAssembly's memory ends */
  async gradients(batch: JaxBatch): Promise<BatchGradients> {
    return this.#inMemory(async () => {
      const { shape, scale: _, ...sizes } = this.#sizes
      this.#check(batch)
      const weight = sumOf(batch.weights)
      if (weight === 0) return { loss: 0, weight, gradients: this.#zeroGradients() }
      const context = this.#context(batch.segments ?? null)
      const firstTraced = shape.layers - this.plan.tracedLayers
      const inputs: np.Array[] = []
      const traces = new Map<number, LayerTrace>()
      let hidden = this.#embedded(batch.tokens)
      for (let layer = 0; layer < shape.layers; layer++) {
        const weights = this.#layers.take(layer)
        if (layer < firstTraced) inputs[layer] = hidden.ref
        const { output, trace } = this.#forward(layer, hidden, weights, context)
        if (layer < firstTraced) tree.dispose(trace)
        else traces.set(layer, trace)
        hidden = output
        // So that no more than one block's arrays wait to be computed.
        await hidden.blockUntilReady()
      }
      const counted = countedPositions(batch.weights)
      const states = await numbersOf(hidden)
      const { loss, gradients: head } = await this.#head.gradients(
        this.#targets(batch, weight, counted, states),
      )
      let pull = arrayOf(spread(head.hidden, counted, sizes.rows * sizes.tokens, shape.width))
      pull = pull.reshape([sizes.rows * sizes.tokens, shape.width])
      const found = new Map<string, { a: Float32Array; b: Float32Array }>()
      if (head.factors !== null) {
        const { a, bTransposed } = head.factors
        const b = transposed(bTransposed, this.#options.rank)
        found.set('output', { a: a ?? new Float32Array(0), b })
      }
      for (let layer = shape.layers - 1; layer >= 0; layer--) {
        const weights = this.#layers.take(layer)
        let trace = traces.get(layer)
        if (trace === undefined) {
          const again = this.#forward(layer, inputs[layer]!, tree.ref(weights), context)
          again.output.dispose()
          trace = again.trace
        }
        const back = this.#programs[layer === 0 ? 'backwardLast' : 'backward'](
          trace,
          weights,
          tree.ref(this.#factors[layer]!),
          { cosines: context.cosines.ref, sines: context.sines.ref },
          pull,
        )
        for (const name of BLOCK_MODULES) {
          const gradient = back.factors[name]
          if (gradient?.bTransposed === undefined) continue
          const b = transposed(await numbersOf(gradient.bTransposed), this.#options.rank)
          const a = gradient.a === undefined ? new Float32Array(0) : await numbersOf(gradient.a)
          found.set(`blk.${layer}.${name}`, { a, b })
        }
        if (back.input === undefined) continue
        pull = back.input
        await pull.blockUntilReady()
      }
      tree.dispose(context)
      return { loss, weight, gradients: this.modules.map(({ name }) => found.get(name)!) }
    })
  }

  /** @throws {LearningError} TRAINING_MEMORY when WebAssembly's memory ends */
  async loss(batch: JaxBatch): Promise<BatchLoss> {
    return this.#inMemory(async () => {
      this.#check(batch)
      const weight = sumOf(batch.weights)
      if (weight === 0) return { loss: 0, weight }
      const states = await this.#states(batch.tokens, batch.segments ?? null)
      const counted = countedPositions(batch.weights)
      return { loss: await this.#head.loss(this.#targets(batch, weight, counted, states)), weight }
    })
  }

  /** [tokens × vocabulary] of one sequence of at most rowTokens tokens, adapter included. */
  async logits(tokens: Int32Array): Promise<Float32Array> {
    return this.#inMemory(async () => {
      const { rows, rowTokens } = this.#options
      const { width } = this.#sizes.shape
      if (tokens.length > rowTokens) throw new RangeError(`${tokens.length} tokens, at most ${rowTokens} fit`)
      const all = new Int32Array(rows * rowTokens)
      all.set(tokens)
      const states = await this.#states(all, null)
      return this.#head.logits(states.slice(0, tokens.length * width))
    })
  }

  /** Gives its memory back. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#head.close()
    this.#layers.close()
    for (const factors of this.#factors) tree.dispose(factors)
    for (const program of Object.values(this.#programs)) program.dispose()
    this.#weights.close()
  }

  /** The last block's output, [n][width]. */
  async #states(tokens: Int32Array, segments: Int32Array | null): Promise<Float32Array> {
    const context = this.#context(segments)
    let hidden = this.#embedded(tokens)
    for (let layer = 0; layer < this.#sizes.shape.layers; layer++) {
      const { output, trace } = this.#forward(layer, hidden, this.#layers.take(layer), context)
      tree.dispose(trace)
      hidden = output
      await hidden.blockUntilReady()
    }
    tree.dispose(context)
    return await numbersOf(hidden)
  }

  #forward(layer: number, hidden: np.Array, weights: LayerWeights, context: LayerContext) {
    return this.#programs.forward(hidden, weights, tree.ref(this.#factors[layer]!), tree.ref(context))
  }

  #embedded(tokens: Int32Array): np.Array {
    const { width, vocabulary } = this.#sizes.shape
    const name = 'token_embd.weight'
    if (4 * width * vocabulary <= KEPT_EMBEDDING_BYTES) this.#embedding ??= this.#weights.read(name)
    let rows: Float32Array
    if (this.#embedding === null) rows = this.#weights.gather(name, tokens)
    else {
      rows = new Float32Array(tokens.length * width)
      for (const [at, token] of tokens.entries()) {
        rows.set(this.#embedding.subarray(token * width, (token + 1) * width), at * width)
      }
    }
    return arrayOf(rows, [tokens.length, width])
  }

  #context(segments: Int32Array | null): LayerContext {
    const { shape, rows, tokens } = this.#sizes
    const positions = positionsOf(segments, rows, tokens)
    const { cosines, sines } = rotaryTables(shape, positions, this.#ropeFactors)
    const pairs = shape.headDim / 2
    const table = [rows * tokens, 1, ...(shape.ropePairs === 'halves' ? [2, pairs] : [pairs, 2])]
    return {
      cosines: arrayOf(cosines, table),
      sines: arrayOf(sines, table),
      mask: arrayOf(attentionMask(segments, rows, tokens), [rows, 1, 1, tokens, tokens]),
    }
  }

  #targets(batch: JaxBatch, weight: number, counted: Int32Array, states: Float32Array): HeadTargets {
    const { width } = this.#sizes.shape
    // Programs are made for a size, so that there are few sizes: the rest is filled with what counts nothing.
    const size = headSize(counted.length, batch.tokens.length)
    const hidden = new Float32Array(size * width)
    const targets = new Int32Array(size)
    const parts = new Float32Array(size)
    for (const [to, at] of counted.entries()) {
      hidden.set(states.subarray(at * width, (at + 1) * width), to * width)
      targets[to] = batch.targets[at]!
      parts[to] = batch.weights[at]! / weight
    }
    return { hidden, targets, parts }
  }

  /** Gives the factors to the programs as they want them. */
  #takeFactors(): void {
    const { rank } = this.#options
    for (const factors of this.#factors) tree.dispose(factors)
    this.#factors = Array.from({ length: this.#sizes.shape.layers }, () => ({}))
    for (const { name, inputs, outputs, a, b } of this.#parameters) {
      const bTransposed = transposed(b, outputs)
      if (name === 'output') this.#head.setFactors({ rank, a, bTransposed })
      else {
        const [, layer, linear] = name.split('.')
        this.#factors[Number(layer)]![linear as BlockModule] = {
          a: arrayOf(a, [rank, inputs]),
          bTransposed: arrayOf(bTransposed, [rank, outputs]),
        }
      }
    }
  }

  #zeroGradients(): { a: Float32Array; b: Float32Array }[] {
    return this.#parameters.map(({ a, b }) => ({
      a: new Float32Array(this.#sizes.freezeA ? 0 : a.length),
      b: new Float32Array(b.length),
    }))
  }

  /** @throws {RangeError} when a batch has other sizes than the model, or tokens that the vocabulary lacks */
  #check({ tokens, targets, weights, segments }: JaxBatch): void {
    const n = this.#options.rows * this.#options.rowTokens
    const { vocabulary } = this.#sizes.shape
    if ([tokens, targets, weights, segments ?? tokens].some(list => list.length !== n)) {
      throw new RangeError(`a batch of this model has ${n} tokens`)
    }
    const known = (token: number) => token >= 0 && token < vocabulary
    if (!tokens.every(known) || !targets.every(known)) {
      throw new RangeError(`a token is not of the vocabulary of ${vocabulary}`)
    }
    if (!weights.every(weight => Number.isFinite(weight) && weight >= 0)) {
      throw new RangeError('a weight is negative or not a number')
    }
  }

  async #inMemory<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RangeError) || !/memory/i.test(error.message)) throw error
      throw new LearningError('TRAINING_MEMORY', 'the memory of WebAssembly, 4 GiB, is full', {
        fix: 'Make rows shorter or fewer, allow less memory so that less is kept, or name an external trainer.',
        cause: error,
      })
    }
  }
}

/** @throws {LearningError} TRAINING_SETTINGS_INVALID */
function adaptedModules(shape: BaseShape, kinds: readonly string[]): ModuleShape[] {
  const linears = linearSizes(shape)
  const modules = kinds.flatMap((kind): ModuleShape[] => {
    if (kind === 'output' && !shape.tied) {
      return [{ name: 'output', inputs: shape.width, outputs: shape.vocabulary }]
    }
    const sizes = linears[kind as BlockModule]
    if (sizes === undefined || !Object.hasOwn(linears, kind)) {
      const reason = kind === 'output' ? 'this base has its embedding for a last layer' : 'there is none'
      throw new LearningError('TRAINING_SETTINGS_INVALID', `the layer ${kind} cannot learn: ${reason}`, {
        fix: `Name some of ${BLOCK_MODULES.join(', ')}${shape.tied ? '' : ', output'}.`,
      })
    }
    return Array.from({ length: shape.layers }, (_, layer) => ({ name: `blk.${layer}.${kind}`, ...sizes }))
  })
  return modules.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function compile(sizes: LayerSizes) {
  const backward = (wantInput: boolean) =>
    jit(
      (
        trace: LayerTrace,
        weights: LayerWeights,
        factors: LayerFactors,
        context: Omit<LayerContext, 'mask'>,
        pull: np.Array,
      ) => layerBackward(sizes, wantInput, trace, weights, factors, context, pull),
    )
  return {
    forward: jit((hidden: np.Array, weights: LayerWeights, factors: LayerFactors, context: LayerContext) =>
      layerForward(sizes, hidden, weights, factors, context),
    ),
    backward: backward(true),
    /** Of the first block, whose input nobody trains. */
    backwardLast: backward(false),
  }
}

function countedPositions(weights: Float32Array): Int32Array {
  return Int32Array.from([...weights.keys()].filter(at => weights[at] !== 0))
}

/** The smallest of a few sizes that holds `count` of `all`. */
function headSize(count: number, all: number): number {
  const sizes = [1 / 8, 1 / 4, 1 / 2, 3 / 4].map(share => Math.ceil(all * share))
  return sizes.find(size => size >= count) ?? all
}

/** Rows of `values`, one for each of `places`, at those of `count` rows; the others are 0. */
function spread(values: Float32Array, places: Int32Array, count: number, width: number): Float32Array {
  const out = new Float32Array(count * width)
  for (const [from, at] of places.entries()) {
    out.set(values.subarray(from * width, (from + 1) * width), at * width)
  }
  return out
}

/** Of a matrix of `rows` rows, row by row. */
function transposed(matrix: Float32Array, rows: number): Float32Array {
  const columns = matrix.length / rows
  const out = new Float32Array(matrix.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = matrix[row * columns + column]!
  }
  return out
}

function sumOf(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}
