/** `sha256:<64 hex>` of a model file. */
export type ModelDigest = string

export const MODEL_DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/

/**
 * What one linear layer learned, in llama.cpp's order: ΔW = (alpha/rank)·B·A is [outputs][inputs].
 * Hu et al., LoRA, arXiv 2106.09685, section 4.1.
 */
export interface AdapterModule {
  /** The base's tensor without `.weight`: `blk.0.attn_q`, `output`. */
  name: string
  inputs: number
  outputs: number
  /** [rank][inputs], row-major. */
  a: Float32Array
  /** [outputs][rank], row-major. */
  b: Float32Array
}

/** A LoRA adapter: low-rank additions to the linear layers of one base model. */
export interface Adapter {
  /** Architecture of the base: `qwen3`. */
  architecture: string
  /** The readable part of its ModelId, `name@sha256:…`. */
  name: string
  rank: number
  alpha: number
  /** Digest of the base's GGUF file. */
  base: ModelDigest
  /** Sorted by name in the order of code units, all of one rank. */
  modules: readonly AdapterModule[]
  /** Short texts that go with it, such as the round it came from; keys are `[a-z0-9][a-z0-9._-]*`. */
  metadata: Readonly<Record<string, string>>
}

/** A linear layer of a base that can carry an adapter. */
export interface ModuleShape {
  name: string
  inputs: number
  outputs: number
}

/** What an adapter has to fit. */
export interface AdapterShape {
  architecture: string
  /** Digest of the base's file. */
  digest: ModelDigest
  /** All linear layers that can be trained, sorted by name: those of the blocks, and `output`. */
  modules: readonly ModuleShape[]
}

/** What is asked of an adapter; what is left out is not asked. */
export interface ExpectedAdapter {
  architecture: string
  base: ModelDigest
  rank?: number
  alpha?: number
  /** Exactly these, with these shapes. */
  modules?: readonly ModuleShape[]
}

/** Bounds that a file is held to before memory is taken for it. */
export interface AdapterLimits {
  maxBytes: number
  maxModules: number
  maxRank: number
  /** The most inputs or outputs of a module. */
  maxDimension: number
}

export const DEFAULT_ADAPTER_LIMITS: AdapterLimits = {
  maxBytes: 256 * 1024 * 1024,
  maxModules: 4_096,
  maxRank: 256,
  maxDimension: 1_048_576,
}
