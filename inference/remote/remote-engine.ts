import {
  type Embedding,
  type EmbedRequest,
  type Engine,
  EngineError,
  type EngineStatus,
  type GenerateOptions,
  type GenerateRequest,
  type Generation,
  type LoadedModel,
  type MeasuredLoss,
  type ModelSource,
  type ScoredOutput,
} from '../engine.ts'
import { LinkedAbort } from '../linked-abort.ts'
import { embeddingsSchema, estimateTokens } from './dialect.ts'
import { cancelled, Exchange } from './exchange.ts'
import { type Posted, Poster } from './post.ts'
import type { Secret } from './secret.ts'
import type { RemoteModel, RemoteService } from './service.ts'
import type { Timing } from './timing.ts'
import { UpstreamError, type UpstreamFault } from './upstream-error.ts'
import { UpstreamGeneration } from './upstream-generation.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface RemoteEngineOptions {
  service: RemoteService
  /** Tries after the first, where they may help; default 2. */
  maxRetries?: number
  /** A service that asks to be left alone for longer is given up for now; default 5 s. */
  maxRetryWaitMs?: number
}

export interface RemoteEngineModules {
  /** Null for a service that wants none. */
  key: Secret | null
  timing: Timing
  random: () => number
  /** Told what the operator should know of. */
  onTrouble?: (error: UpstreamError) => void
}

const MAX_RETRIES = 2
const MAX_RETRY_WAIT_MS = 5_000
/** Requests that wait for a place, for each that runs. */
const WAITING_PER_PLACE = 8
const MAX_EMBEDDINGS_BYTES = 67_108_864
/** For how long nothing is asked of a service that does not say when to come back. */
const REST_MS: Partial<Record<UpstreamFault, number>> = {
  rate_limited: 5_000,
  unauthorised: 10 * 60_000,
  quota: 10 * 60_000,
  redirected: 10 * 60_000,
}
const MAX_REST_MS = 60 * 60_000

/**
 * A service with an OpenAI-compatible API as an engine. Its models are there by being configured. It knows no
 * token ids, and tokens are what the service counts; without a count they are estimated.
 */
export class RemoteEngine implements Engine {
  readonly #service: RemoteService
  readonly #modules: RemoteEngineModules
  readonly #poster = new Poster()
  readonly #exchange: Exchange
  readonly #room: WaitingRoom
  readonly #unloaded = new Set<string>()
  readonly #listeners = new Set<(status: EngineStatus) => void>()
  #stopping: AbortController | null = null
  #restsUntilMs = 0
  #rest: { cancel(): void } | null = null
  #tokens = 0

  constructor(options: RemoteEngineOptions, modules: RemoteEngineModules) {
    const { service, maxRetries = MAX_RETRIES, maxRetryWaitMs = MAX_RETRY_WAIT_MS } = options
    const { key, timing, random } = modules
    this.#service = service
    this.#modules = modules
    this.#exchange = new Exchange(
      {
        service: service.name,
        url: service.url,
        keyHeader: service.keyHeader,
        answerTimeoutMs: service.answerTimeoutMs,
        maxRetries,
        maxRetryWaitMs,
      },
      { key, poster: this.#poster, timing, random },
    )
    this.#room = new WaitingRoom(
      { places: service.maxConcurrent, maxWaiting: service.maxConcurrent * WAITING_PER_PLACE },
      { onChange: () => this.#changed() },
    )
  }

  async start(): Promise<void> {
    if (this.#stopping !== null) return
    this.#stopping = new AbortController()
    this.#changed()
  }

  async stop(): Promise<void> {
    this.#stopping?.abort()
    this.#stopping = null
    this.#rest?.cancel()
    this.#changed()
    this.#listeners.clear()
    this.#poster.close()
  }

  async load(source: ModelSource): Promise<LoadedModel> {
    const model = this.#service.models.find(({ id }) => id === source.id)
    if (model === undefined)
      throw new EngineError('MODEL_INVALID', 'this service is not configured for the model', {
        details: { service: this.#service.name, model: source.id },
      })
    this.#unloaded.delete(model.id)
    this.#changed()
    return this.#describe(model)
  }

  async unload(modelId: string): Promise<void> {
    this.#unloaded.add(modelId)
    this.#changed()
  }

  generate(request: GenerateRequest, options: GenerateOptions = {}): Generation {
    return new UpstreamGeneration(
      { request, options, service: this.#service, find: () => this.#model(request.model) },
      {
        exchange: this.#exchange,
        room: this.#room,
        key: this.#modules.key,
        stopping: this.#stopping?.signal ?? AbortSignal.abort(),
        onFault: error => this.#troubled(error),
        onTokens: tokens => {
          this.#tokens += tokens
        },
      },
    )
  }

  async embed(request: EmbedRequest, options: { signal?: AbortSignal } = {}): Promise<Embedding> {
    const model = this.#model(request.model)
    const abort = new LinkedAbort(options.signal, this.#stopping!.signal)
    const { signal } = abort
    let leave = () => {}
    try {
      leave = await this.#room.enter(signal)
      const body = { model: model.upstream, input: request.inputs, encoding_format: 'float' }
      const { response, deadline } = await this.#exchange.post('/embeddings', body, signal)
      try {
        return this.#embedding(await readJson(response), request.inputs)
      } catch (error) {
        if (signal.aborted) throw cancelled()
        throw error instanceof UpstreamError
          ? error
          : new UpstreamError(this.#service.name, deadline.isOver ? 'stalled' : 'malformed')
      } finally {
        deadline.cancel()
        response.discard(false)
      }
    } catch (error) {
      if (error instanceof UpstreamError) this.#troubled(error)
      throw error
    } finally {
      leave()
      abort.unlink()
    }
  }

  async countTokens({ inputs }: EmbedRequest): Promise<readonly number[]> {
    return inputs.map(estimateTokens)
  }

  /** A service shows no candidates: what others made cannot be judged by it. */
  async score(): Promise<ScoredOutput> {
    throw new EngineError('ENGINE_UNAVAILABLE', `the service ${this.#service.name} cannot check an output`, {
      fix: 'Check it with an engine that has the model file.',
    })
  }

  /** Nor can it be measured. */
  async measureLoss(): Promise<MeasuredLoss> {
    throw new EngineError('ENGINE_UNAVAILABLE', `the service ${this.#service.name} cannot measure loss`, {
      fix: 'Measure with an engine that has the model file.',
    })
  }

  /** While the service is to be left alone, no slot is free. */
  status(): EngineStatus {
    const isResting = this.#modules.timing.nowMs() < this.#restsUntilMs
    return {
      state: this.#stopping === null ? 'stopped' : 'ready',
      backend: null,
      models: this.#service.models
        .filter(({ id }) => !this.#unloaded.has(id))
        .map(model => this.#describe(model)),
      active: this.#room.taken,
      queued: this.#room.waiting,
      freeSlots: isResting ? 0 : this.#room.free,
      crashes: 0,
      computedTokens: this.#tokens,
    }
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #model(id: string): RemoteModel {
    if (this.#stopping === null)
      throw new EngineError('ENGINE_UNAVAILABLE', `the service ${this.#service.name} is not in use`)
    const model = this.#service.models.find(model => model.id === id && !this.#unloaded.has(id))
    if (model !== undefined) return model
    throw new EngineError('MODEL_NOT_LOADED', 'this service is not configured for the model', {
      details: { service: this.#service.name, model: id },
    })
  }

  #describe(model: RemoteModel): LoadedModel {
    return {
      id: model.id,
      path: this.#service.url,
      architecture: '',
      parameterCount: model.parameterCount,
      quantization: '',
      contextTokens: model.contextTokens,
      slots: this.#service.maxConcurrent,
      chatTemplateDigest: null,
      embeddingLength: 0,
      threads: 0,
      measuredTokensPerSecond: model.tokensPerSecond,
    }
  }

  #embedding(value: unknown, inputs: readonly string[]): Embedding {
    const malformed = () => new UpstreamError(this.#service.name, 'malformed')
    const parsed = embeddingsSchema.safeParse(value)
    if (!parsed.success || parsed.data.data.length !== inputs.length) throw malformed()
    const vectors: Float32Array[] = []
    for (const [place, { index = place, embedding }] of parsed.data.data.entries())
      vectors[index] = Float32Array.from(embedding)
    if (vectors.length !== inputs.length || vectors.includes(undefined as never)) throw malformed()
    const estimate = inputs.reduce((sum, input) => sum + estimateTokens(input), 0)
    return { vectors, inputTokens: parsed.data.usage?.prompt_tokens ?? estimate }
  }

  #troubled(error: UpstreamError): void {
    const restMs = Math.min(error.retryAfterMs ?? 0, MAX_REST_MS) || REST_MS[error.fault]
    if (restMs !== undefined) {
      const { timing } = this.#modules
      this.#restsUntilMs = Math.max(this.#restsUntilMs, timing.nowMs() + restMs)
      this.#rest?.cancel()
      this.#rest = timing.setTimer(() => this.#changed(), this.#restsUntilMs - timing.nowMs())
      this.#changed()
    }
    this.#modules.onTrouble?.(error)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener(this.status())
  }
}

/** @throws when it is none, breaks off or is too long */
async function readJson(response: Posted): Promise<unknown> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body) {
    parts.push(part)
    bytes += part.length
    if (bytes > MAX_EMBEDDINGS_BYTES) throw new RangeError('too long')
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}
