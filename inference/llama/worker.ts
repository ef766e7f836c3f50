import {
  type Embedding,
  type EmbedRequest,
  type Engine,
  EngineError,
  type EngineStatus,
  type GenerateRequest,
  type LoadedModel,
  type LossRequest,
  type MeasuredLoss,
  type ModelSource,
  type ScoredOutput,
  type ScoreRequest,
} from '../engine.ts'
import { type OpenedLlama, openLlama } from './bindings.ts'
import { type EngineLog, LogTail } from './engine-log.ts'
import { type LlamaGenerateOptions, LlamaGeneration } from './generation.ts'
import { DEFAULT_MAX_CONTEXT_TOKENS, DEFAULT_MAX_QUEUED, type LlamaOptions } from './llama-options.ts'
import { LossMeasurement } from './loss-measurement.ts'
import { loadLlamaModel } from './model-loading.ts'
import { ModelRunner } from './model-runner.ts'
import { OutputScoring } from './scoring.ts'
import { SharedLoads } from './shared-loads.ts'
import { SharedWeights } from './shared-weights.ts'
import { ThreadMemory } from './thread-memory.ts'

export interface LlamaModules {
  log?: EngineLog
}

/** Work that looks at text which is there already. */
interface Scoring {
  readonly isComputing: boolean
}

const MEASURE_BUDGET_MS = 2_000
const MAX_LOG_TAIL_CHARS = 2_000
/** Past this, running loads and batches are left to the end of the process rather than disturbed. */
const STOP_TIMEOUT_MS = 4_000

/**
 * The llama.cpp engine in this process. A node runs it in a child process through `ProcessEngine`,
 * because a crash of native code takes its process along.
 */
export class LlamaWorker implements Engine {
  readonly #options: LlamaOptions
  readonly #log: EngineLog
  readonly #logTail = new LogTail({ maxChars: MAX_LOG_TAIL_CHARS })
  readonly #threadMemory: ThreadMemory | null
  readonly #weights = new SharedWeights()
  readonly #runners = new Map<string, ModelRunner>()
  readonly #loads = new SharedLoads<LoadedModel>()
  readonly #generations = new Set<LlamaGeneration>()
  readonly #scorings = new Set<Scoring>()
  readonly #listeners = new Set<(status: EngineStatus) => void>()
  #opened: OpenedLlama | null = null
  #starting: Promise<void> | null = null
  #stopping = new AbortController()
  /** Computed by models that were unloaded since. */
  #retiredTokens = 0
  #isNotifying = false

  constructor(options: LlamaOptions = {}, modules: LlamaModules = {}) {
    this.#options = options
    this.#threadMemory =
      options.cacheFolder === undefined ? null : new ThreadMemory({ folder: options.cacheFolder })
    const log = modules.log ?? (() => {})
    this.#log = (level, message) => {
      this.#logTail.add(message)
      log(level, message)
    }
  }

  /** Whether a model is at work for somebody who waits for neither a slot nor a grant. */
  get isComputing(): boolean {
    for (const generation of this.#generations) if (generation.isComputing) return true
    for (const scoring of this.#scorings) if (scoring.isComputing) return true
    return false
  }

  start(): Promise<void> {
    this.#starting ??= this.#open()
    return this.#starting
  }

  async stop(): Promise<void> {
    const starting = this.#starting
    if (starting === null) return
    this.#starting = null
    this.#stopping.abort()
    this.#stopping = new AbortController()
    for (const generation of this.#generations) generation.cancel()
    const freed = this.#free(starting)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>(resolve => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS)
    })
    await Promise.race([freed, timeout])
    clearTimeout(timer)
    this.#notify()
  }

  async load(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<LoadedModel> {
    const loaded = this.#runners.get(source.id)
    if (loaded !== undefined) return loaded.description
    return this.#loads.run(source.id, options.signal, signal => this.#load(source, signal))
  }

  async unload(modelId: string): Promise<void> {
    const runner = this.#runners.get(modelId)
    if (runner === undefined) return
    this.#runners.delete(modelId)
    this.#notify()
    await runner.idle()
    this.#retiredTokens += runner.computedTokens
    await runner.dispose()
  }

  generate(request: GenerateRequest, options: LlamaGenerateOptions = {}): LlamaGeneration {
    let release: (() => void) | null = null
    const generation = new LlamaGeneration(
      { request, generate: options },
      {
        findRunner: () => {
          const runner = this.#find(request.model)
          release = runner.hold()
          this.#generations.add(generation)
          return runner
        },
        onEnd: () => {
          this.#generations.delete(generation)
          release?.()
        },
      },
    )
    return generation
  }

  async embed(request: EmbedRequest, options: { signal?: AbortSignal } = {}): Promise<Embedding> {
    const runner = this.#find(request.model)
    const release = runner.hold()
    try {
      return await runner.embed(request.inputs, options.signal)
    } finally {
      release()
    }
  }

  async countTokens(
    request: EmbedRequest,
    options: { signal?: AbortSignal } = {},
  ): Promise<readonly number[]> {
    const runner = this.#find(request.model)
    const release = runner.hold()
    try {
      return await runner.countTokens(request.inputs, options.signal)
    } finally {
      release()
    }
  }

  async score(request: ScoreRequest, options: { signal?: AbortSignal } = {}): Promise<ScoredOutput> {
    const runner = this.#find(request.model)
    const signal = this.#untilStopped(options.signal)
    return this.#scored(
      new OutputScoring({ request, signal }, { runner, nowMs: () => performance.now() }),
      runner,
    )
  }

  async measureLoss(request: LossRequest, options: { signal?: AbortSignal } = {}): Promise<MeasuredLoss> {
    const runner = this.#find(request.model)
    const signal = this.#untilStopped(options.signal)
    return this.#scored(
      new LossMeasurement({ request, signal }, { runner, nowMs: () => performance.now() }),
      runner,
    )
  }

  status(): EngineStatus {
    const runners = [...this.#runners.values()]
    const sum = (of: (runner: ModelRunner) => number) =>
      runners.reduce((total, runner) => total + of(runner), 0)
    return {
      state: this.#starting === null ? 'stopped' : this.#opened === null ? 'starting' : 'ready',
      backend: this.#opened?.backend ?? null,
      models: runners.map(runner => runner.description),
      active: sum(runner => runner.pool.active),
      queued: sum(runner => runner.pool.queued),
      freeSlots: sum(runner => runner.pool.free),
      crashes: 0,
      computedTokens: this.#retiredTokens + sum(runner => runner.computedTokens),
    }
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #untilStopped(signal: AbortSignal | undefined): AbortSignal {
    const stopping = this.#stopping.signal
    return signal === undefined ? stopping : AbortSignal.any([signal, stopping])
  }

  async #scored<T>(scoring: Scoring & { run(): Promise<T> }, runner: ModelRunner): Promise<T> {
    const release = runner.hold()
    this.#scorings.add(scoring)
    try {
      return await scoring.run()
    } finally {
      this.#scorings.delete(scoring)
      release()
    }
  }

  async #open(): Promise<void> {
    try {
      this.#opened = await openLlama({ gpu: this.#options.gpu ?? 'auto' }, { log: this.#log })
      this.#notify()
    } catch (error) {
      this.#starting = null
      throw error
    }
  }

  async #load(source: ModelSource, signal: AbortSignal): Promise<LoadedModel> {
    const opened = this.#requireOpened()
    const loaded = await loadLlamaModel(
      {
        source,
        maxContextTokens: this.#options.maxContextTokens ?? DEFAULT_MAX_CONTEXT_TOKENS,
        slots: this.#options.slots ?? null,
        threads: this.#options.threads ?? null,
        measureBudgetMs: MEASURE_BUDGET_MS,
      },
      {
        ...opened,
        weights: this.#weights,
        threadMemory: this.#threadMemory,
        logTail: this.#logTail,
        nowMs: () => performance.now(),
        availableBytes: () => process.availableMemory(),
      },
      signal,
    )
    const runner = new ModelRunner(
      { maxQueued: this.#options.maxQueued ?? DEFAULT_MAX_QUEUED },
      { loaded, onChange: () => this.#notify() },
    )
    this.#runners.set(source.id, runner)
    this.#notify()
    return runner.description
  }

  async #free(starting: Promise<void>): Promise<void> {
    await starting.catch(() => {})
    await this.#loads.settled()
    for (const id of [...this.#runners.keys()]) await this.unload(id)
    // `llama.dispose()` would free what all instances in this process share.
    this.#opened = null
  }

  #find(modelId: string): ModelRunner {
    this.#requireOpened()
    const runner = this.#runners.get(modelId)
    if (runner !== undefined) return runner
    throw new EngineError('MODEL_NOT_LOADED', `${modelId} is not loaded`, {
      fix: 'Load the model first.',
      details: { model: modelId },
    })
  }

  #requireOpened(): OpenedLlama {
    if (this.#opened !== null && this.#starting !== null) return this.#opened
    throw new EngineError('ENGINE_UNAVAILABLE', 'the engine is not running', {
      fix: 'Start the engine first.',
    })
  }

  /** Tells listeners once for all changes of a turn of the event loop. */
  #notify(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return
    this.#isNotifying = true
    setImmediate(() => {
      this.#isNotifying = false
      const status = this.status()
      for (const listener of this.#listeners) listener(status)
    })
  }
}
