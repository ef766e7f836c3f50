import type { LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp'
import { EngineError } from '../engine.ts'
import { messageOf } from './bindings.ts'

export interface EmbedderOptions {
  /** Tokens of an input and one more, at most. */
  maxTokens: number
  threads: number
}

export interface EmbedderModules {
  model: Pick<LlamaModel, 'createEmbeddingContext'>
  /** Puts the model's adapters on: node-llama-cpp hands them to plain contexts only. */
  wear: (context: LlamaContext) => void
}

/** Tokens that the first context takes. */
const FIRST_TOKENS = 512

/**
 * Embeds texts with one model, one after the other. A batch must take a whole text, since pooling reaches no further, and what a
 * batch takes is memory: the context is made anew, twice as large or more, when a longer text comes.
 */
export class Embedder {
  readonly maxTokens: number
  readonly #threads: number
  readonly #modules: EmbedderModules
  #context: LlamaEmbeddingContext | null = null
  #contextTokens = 0
  /** What is done before: contexts are not freed under a running batch. */
  #before: Promise<unknown> = Promise.resolve()

  constructor(options: EmbedderOptions, modules: EmbedderModules) {
    this.maxTokens = options.maxTokens
    this.#threads = options.threads
    this.#modules = modules
  }

  /** Tokens of a text, those that the model's embeddings begin and end with included. @throws {EngineError} MODEL_TOO_LARGE */
  countTokens(text: string): Promise<number> {
    return this.#next(async () => (await this.#contextFor(1)).calculateInputLength(text))
  }

  /**
   * @param tokens of the text
   * @throws {EngineError} MODEL_TOO_LARGE where memory for a text of its length cannot be had
   */
  embed(text: string, tokens: number): Promise<Float32Array> {
    return this.#next(async () => {
      const context = await this.#contextFor(tokens + 1)
      const { vector } = await context.getEmbeddingFor(text)
      return Float32Array.from(vector)
    })
  }

  /** Idempotent. */
  dispose(): Promise<void> {
    return this.#next(() => this.#free())
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#before.then(work)
    this.#before = done.catch(() => {})
    return done
  }

  async #contextFor(tokens: number): Promise<LlamaEmbeddingContext> {
    if (this.#context !== null && tokens <= this.#contextTokens) return this.#context
    await this.#free()
    let size = Math.min(FIRST_TOKENS, this.maxTokens)
    while (size < tokens) size = Math.min(2 * size, this.maxTokens)
    const { model, wear } = this.#modules
    try {
      const context = await model.createEmbeddingContext({
        contextSize: size,
        batchSize: size,
        threads: this.#threads,
      })
      wear((context as unknown as { _llamaContext: LlamaContext })._llamaContext)
      this.#context = context
      this.#contextTokens = size
      return context
    } catch (error) {
      throw new EngineError('MODEL_TOO_LARGE', `there is no room to embed: ${messageOf(error)}`, {
        fix: 'Embed shorter texts, or free memory.',
        cause: error,
      })
    }
  }

  async #free(): Promise<void> {
    const context = this.#context
    this.#context = null
    await context?.dispose()
  }
}
