import { MAX_VECTOR_BYTES_PER_FRAME } from '../protocol/limits.ts'
import { type EmbedRequest, type Engine, EngineError, type GenerationEvent } from './engine.ts'

/** Vectors of the next inputs, in their order, and how many tokens those are. */
export interface VectorsEvent {
  type: 'vectors'
  vectors: readonly Float32Array[]
  tokens: number
}

export type EmbeddingEvent = Exclude<GenerationEvent, { type: 'output' }> | VectorsEvent

export interface EmbeddingRunOptions {
  request: EmbedRequest
  /** Tokens that may be computed before the first `grant`; default: no limit. */
  grantedTokens?: number
  signal?: AbortSignal
}

/** Inputs that an engine is given at once: a stop is heard between them. */
const MAX_AT_ONCE = 16

/**
 * An embedding with the brake of a generation: inputs are computed one after the other, each once all of its tokens are granted, and
 * metered by their tokens. While an input is not wholly granted, `prefill` tells how far the grant reaches, so that whoever pays
 * as it goes on can pay for the rest of it.
 */
export class EmbeddingRun implements AsyncIterable<EmbeddingEvent> {
  readonly #options: EmbeddingRunOptions
  readonly #engine: Pick<Engine, 'embed' | 'countTokens'>
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  #granted: number
  #wake: () => void = () => {}
  #isIterated = false

  constructor(options: EmbeddingRunOptions, modules: { engine: Pick<Engine, 'embed' | 'countTokens'> }) {
    const { signal, grantedTokens = Number.POSITIVE_INFINITY } = options
    this.#options = options
    this.#engine = modules.engine
    this.#granted = grantedTokens
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
  }

  /** As of a generation. */
  grant(totalTokens: number): void {
    this.#granted = Math.max(this.#granted, totalTokens)
    this.#wake()
  }

  cancel(): void {
    this.#abort.abort()
  }

  [Symbol.asyncIterator](): AsyncIterator<EmbeddingEvent> {
    if (this.#isIterated) throw new TypeError('an embedding can be iterated once')
    this.#isIterated = true
    return this.#run()
  }

  /** @throws {EngineError} as `Engine.embed` */
  async *#run(): AsyncGenerator<EmbeddingEvent, void, undefined> {
    const { model, inputs } = this.#options.request
    const signal = this.#signal
    this.#throwIfCancelled()
    const counts = await this.#engine.countTokens({ model, inputs }, { signal })
    const promptTokens = counts.reduce((sum, count) => sum + count, 0)
    yield { type: 'start', promptTokens, promptDigest: null }
    let done = 0
    let told = 0
    /** As the engine counts them in the end. */
    let computed = 0
    for (let next = 0; next < inputs.length; ) {
      const end = done + counts[next]!
      while (this.#granted < end) {
        if (this.#granted > told) {
          told = this.#granted
          yield { type: 'prefill', promptTokens: told }
        } else await this.#more()
        this.#throwIfCancelled()
      }
      const count = this.#fitting(counts, next, done)
      const { vectors, inputTokens } = await this.#engine.embed(
        { model, inputs: inputs.slice(next, next + count) },
        { signal },
      )
      this.#throwIfCancelled()
      const tokens = counts.slice(next, next + count).reduce((sum, each) => sum + each, 0)
      computed += inputTokens
      yield* inFrames(vectors, counts.slice(next, next + count))
      next += count
      done += tokens
      told = Math.max(told, done)
    }
    yield { type: 'end', reason: 'stop', promptTokens: computed, outputTokens: 0 }
  }

  /** How many inputs from `next` on are granted whole. */
  #fitting(counts: readonly number[], next: number, done: number): number {
    let count = 0
    for (let tokens = done; count < MAX_AT_ONCE && next + count < counts.length; count++) {
      tokens += counts[next + count]!
      if (tokens > this.#granted) break
    }
    return count
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    this.#signal.addEventListener('abort', wake, { once: true })
    if (this.#signal.aborted) wake()
    await promise
    this.#signal.removeEventListener('abort', wake)
  }

  #throwIfCancelled(): void {
    if (this.#signal.aborted) throw new EngineError('CANCELLED', 'the embedding was cancelled')
  }
}

/** As many vectors at once as a frame takes. */
function* inFrames(
  vectors: readonly Float32Array[],
  counts: readonly number[],
): Generator<VectorsEvent, void, undefined> {
  const perFrame = Math.max(1, Math.floor(MAX_VECTOR_BYTES_PER_FRAME / (vectors[0]?.byteLength ?? 4)))
  for (let from = 0; from < vectors.length; from += perFrame) {
    const tokens = counts.slice(from, from + perFrame).reduce((sum, each) => sum + each, 0)
    yield { type: 'vectors', vectors: vectors.slice(from, from + perFrame), tokens }
  }
}
