export interface LlamaOptions {
  /** `auto` takes the best GPU found, else the CPU. */
  gpu?: 'auto' | false
  /** The most context a sequence gets, whatever the model was trained on. */
  maxContextTokens?: number
  /** Sequences at once for each model; chosen by size and memory when left out. */
  slots?: number
  /** Generations that may wait in front of each model's slots. */
  maxQueued?: number
  /** CPU threads; measured at the first load of a model when left out. */
  threads?: number
  /** Where measured thread counts are remembered; not at all when left out. */
  cacheFolder?: string
}

export const DEFAULT_MAX_CONTEXT_TOKENS = 8_192
export const DEFAULT_MAX_QUEUED = 32
