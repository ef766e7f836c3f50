/** One adapted linear layer, in llama.cpp's order: a is [rank][inputs], b is [outputs][rank], row-major. */
export interface LoraModule {
  /** As in the adapter file without `.weight`: `blk.0.attn_q`, `output`. */
  name: string
  inputs: number
  outputs: number
  a: Float32Array
  b: Float32Array
}

export interface JaxModelOptions {
  /** A GGUF file of the architecture llama, qwen2 or qwen3. */
  path: string
  rank: number
  alpha: number
  /** Linear layers to adapt: `attn_q` means that of every block; `output` the last one. */
  modules: readonly string[]
  backend: 'wasm' | 'webgpu'
  /** Every batch has `rows` rows of `rowTokens` tokens. */
  rows: number
  rowTokens: number
  /** FFA-LoRA: only b is trained; `gradients` then gives an empty array for each a. */
  freezeA?: boolean
}

/** `rows × rowTokens` of each, row by row. */
export interface JaxBatch {
  tokens: Int32Array
  /** The token that should follow each one. */
  targets: Int32Array
  /** What a target counts in the loss; 0 for prompts and for padding. */
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
  /** Of `loss`, the mean, by the modules' order; a is empty when A is frozen. */
  gradients: { a: Float32Array; b: Float32Array }[]
}

/**
 * A base model with LoRA factors on some of its linear layers: y = W x + (alpha / rank) · B (A x).
 * Calls do not overlap: await one before the next. Equal calls give equal bytes on one machine and backend.
 */
export declare class JaxModel {
  /** @throws {LearningError} BASE_UNSUPPORTED, BASE_INVALID, MODULE_UNKNOWN, BACKEND_UNAVAILABLE, MEMORY_TOO_SMALL */
  static open(options: JaxModelOptions): Promise<JaxModel>
  /** Shapes of the adapted layers, sorted by name as an adapter file has them. */
  readonly modules: readonly { name: string; inputs: number; outputs: number }[]
  /** What is trained, sorted by name; copies. All zero until set. */
  parameters(): LoraModule[]
  /** Every module of `modules`, in that order. */
  setParameters(modules: readonly LoraModule[]): void
  gradients(batch: JaxBatch): Promise<BatchGradients>
  loss(batch: JaxBatch): Promise<BatchLoss>
  /** [tokens × vocabulary] for one sequence of at most rowTokens tokens, adapter included. */
  logits(tokens: Int32Array): Promise<Float32Array>
  /** Gives its memory back. Idempotent. */
  close(): void
}
