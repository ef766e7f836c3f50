import { fileURLToPath } from 'node:url'
import type { Adapter, AdapterModule } from '../../../inference/learning/adapter.ts'
import { BLOCK_MODULES } from '../../../inference/learning/block-modules.ts'
import { batchOf, packRows } from '../../../inference/learning/examples/packing.ts'
import { cutToPieces, type Piece } from '../../../inference/learning/examples/pieces.ts'
import { initialFactors } from '../../../inference/learning/initial-factors.ts'
import { JaxModel } from '../../../inference/learning/jax/model.ts'
import { TrainingLoop } from '../../../inference/learning/jax-trainer/training-loop.ts'
import { trainingSettingsSchema } from '../../../inference/learning/training-settings.ts'
import { openRowTokenizer, type RowTokenizer } from '../../../inference/llama/row-tokenizer.ts'
import type { Example } from './domains.ts'

const NANO = fileURLToPath(
  new URL('../../../inference/models/embedded/shoal-nano-q8_0.gguf', import.meta.url),
)
const BASE = `sha256:${'00'.repeat(32)}`

export interface LaboratoryOptions {
  rank: number
  alpha: number
  rows: number
  rowTokens: number
  /** FFA: A stays as the seed made it. */
  freezeA: boolean
}

/** Trains many adapters of the embedded model in this process, and measures them. */
export class Laboratory {
  readonly #options: LaboratoryOptions
  readonly #model: JaxModel
  readonly #tokenizer: RowTokenizer

  private constructor(options: LaboratoryOptions, modules: { model: JaxModel; tokenizer: RowTokenizer }) {
    this.#options = options
    this.#model = modules.model
    this.#tokenizer = modules.tokenizer
  }

  static async open(options: LaboratoryOptions): Promise<Laboratory> {
    const tokenizer = await openRowTokenizer(NANO)
    const model = await JaxModel.open({ ...options, path: NANO, modules: BLOCK_MODULES, backend: 'wasm' })
    return new Laboratory(options, { model, tokenizer })
  }

  /** The adapter that changes nothing, from which a first round begins. */
  beginning(seed: number): Adapter {
    return this.#adapterOf(
      'beginning',
      initialFactors(this.#model.modules, { rank: this.#options.rank, seed }),
    )
  }

  pieces(examples: readonly Example[]): Piece[] {
    return examples.flatMap(({ messages }) =>
      this.#tokenizer
        .write({ messages })
        .flatMap(({ tokens, counted }) => cutToPieces({ tokens, counted }, this.#options.rowTokens)),
    )
  }

  /** Trains from `initial`, with the settings that `shoal learn train` has. */
  async train(
    name: string,
    pieces: readonly Piece[],
    initial: Adapter,
    settings: { steps: number; learningRate: number; seed: number },
  ): Promise<Adapter> {
    const { rank, alpha, rows, rowTokens, freezeA } = this.#options
    const loop = new TrainingLoop(
      {
        settings: trainingSettingsSchema.parse({
          ...settings,
          rank,
          alpha,
          freezeA,
          checkpointEverySteps: 0,
        }),
        rowCount: rows,
        rowTokens,
        pieces,
        heldOut: [],
        initial: initial.modules,
        state: null,
      },
      {
        model: this.#model,
        nowMs: () => performance.now(),
        onProgress: () => {},
        saveCheckpoint: async () => {},
        between: async () => {},
      },
    )
    return this.#adapterOf(name, (await loop.run()).modules)
  }

  /** Nats per answer token. */
  async loss(adapter: Adapter, pieces: readonly Piece[]): Promise<number> {
    const { rows: rowCount, rowTokens } = this.#options
    this.#model.setParameters(adapter.modules)
    const lengths = pieces.map(({ tokens }) => tokens.length)
    const rows = packRows(lengths, [...lengths.keys()], rowTokens)
    let [sum, weight] = [0, 0]
    for (let at = 0; at < rows.length; at += rowCount) {
      const part = await this.#model.loss(
        batchOf(rows.slice(at, at + rowCount), pieces, { rowCount, rowTokens }),
      )
      sum += part.loss * part.weight
      weight += part.weight
    }
    return sum / weight
  }

  /** Share of the answers that greedy decoding would give to the last token. */
  async exactShare(adapter: Adapter, pieces: readonly Piece[]): Promise<number> {
    this.#model.setParameters(adapter.modules)
    let exact = 0
    for (const { tokens, targets, weights } of pieces) {
      const logits = await this.#model.logits(tokens)
      const size = logits.length / tokens.length
      const isRight = targets.every(
        (target, at) => weights[at] === 0 || isLargest(logits.subarray(at * size, (at + 1) * size), target),
      )
      if (isRight) exact++
    }
    return exact / pieces.length
  }

  async close(): Promise<void> {
    await this.#model.close()
    await this.#tokenizer.close()
  }

  #adapterOf(name: string, modules: readonly AdapterModule[]): Adapter {
    const { rank, alpha } = this.#options
    return { architecture: 'qwen3', name, rank, alpha, base: BASE, modules, metadata: {} }
  }
}

function isLargest(logits: Float32Array, index: number): boolean {
  const value = logits[index]!
  return logits.every((other, i) => i === index || other < value)
}
