import type { Engine, EngineStatus, LoadedModel, ModelSource } from '../inference/engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import type { DownloadProgress } from '../inference/models/download.ts'
import { adaptedModelId } from '../protocol/adapted-model.ts'
import { ShoalError } from '../protocol/errors.ts'
import type { ModelId } from '../protocol/ids.ts'
import { type Clock, repeat, type Timer } from './clock.ts'
import type { Logger } from './log.ts'
import { isTradable } from './market/adapted-models.ts'
import type { NodeEvent } from './node-events.ts'

/** An adapter that is to be at work on its base. */
export interface AdapterToServe {
  /** The base: any name that `models.serve` takes. */
  base: string
  /** The adapter's file. */
  path: string
  /** Whether others are to be told of it; default true. One that is not, or is marked as private, is for own tasks alone. */
  isOffered?: boolean
  /** Worn with it, below it: others for own tasks, so that the model is not offered. */
  under?: readonly string[]
  /** What it takes the place of: retired as soon as this one is ready. */
  replaces?: ModelId
}

export interface ModelServingOptions {
  /** How long what was offered may still be asked for: the life of an offer. */
  offerLifetimeMs: number
}

export interface ModelServingModules {
  engine: Engine
  catalog: ModelCatalog
  clock: Clock
  log: Logger
  /** Writes to the audit log that a model is at work. */
  record: (model: ModelId) => Promise<void>
  tell: (event: NodeEvent) => void
}

/** What of an engine those are shown who are not to see all of its models. */
export type EngineView = Pick<Engine, 'status' | 'onStatus'>

/** Tasks of a retired model are looked for so often. */
const LOOK_EVERY_MS = 500

interface Served {
  spec: string
  isOffered: boolean
  /** Null while it is to stay. */
  retiring: Retiring | null
}

interface Retiring {
  over: PromiseWithResolvers<void>
  timer: Timer
}

/**
 * Which models are at work for tasks: those of the settings, and adapters that come and go while the node runs. A new
 * version is loaded before the old one is taken out of the offers, and the old one is freed when the last offer of it
 * has expired and its last task has ended: nothing is dropped. What else the engine has loaded, for audits or to be
 * measured, is for nobody's tasks.
 */
export class ModelServing {
  readonly #options: ModelServingOptions
  readonly #modules: ModelServingModules
  readonly #served = new Map<ModelId, Served>()
  readonly #listeners = new Set<() => void>()
  readonly #abort = new AbortController()
  /** Tasks of a model that run for others or wait to. */
  #tasksOf: (model: ModelId) => number = () => 0
  /** One load after the other: they want the same memory. */
  #loading: Promise<unknown> = Promise.resolve()

  constructor(options: ModelServingOptions, modules: ModelServingModules) {
    this.#options = options
    this.#modules = modules
  }

  /** The engine with the models that are offered to others. */
  get offered(): EngineView {
    return this.#view(
      model =>
        this.#served.get(model.id)?.isOffered === true && !this.#isRetiring(model.id) && isTradable(model),
    )
  }

  /** The engine with the models that own tasks may use. */
  get usable(): EngineView {
    return this.#view(({ id }) => this.#served.has(id) && !this.#isRetiring(id))
  }

  /** Models that are at work. */
  models(): ModelId[] {
    return [...this.#served.keys()]
  }

  /** Says from now on how many tasks of a model are under way. */
  countTasks(tasksOf: (model: ModelId) => number): void {
    this.#tasksOf = tasksOf
  }

  /** Loads what is to be served, one after the other; what fails is told and left out. */
  async loadAll(specs: readonly string[]): Promise<void> {
    for (const spec of specs) {
      if (this.#abort.signal.aborted) return
      await this.#serve(spec, signal => this.#resolve(spec, signal), true).catch(() => {})
    }
  }

  /**
   * Has a base wear an adapter and offers the two as a model of their own.
   * @returns when it is ready; what it replaces is freed later
   * @throws {ModelError} of names and files; {EngineError} MODEL_INVALID, MODEL_TOO_LARGE, ENGINE_UNAVAILABLE, CANCELLED:
   * what it was to replace stays then
   */
  async serveAdapter({
    base,
    path,
    isOffered = true,
    under = [],
    replaces,
  }: AdapterToServe): Promise<LoadedModel> {
    const { catalog } = this.#modules
    const paths = [...under, path]
    const worn = []
    for (const path of paths) worn.push(await catalog.adapters.add(path))
    const source = await catalog.resolve(base, { signal: this.#abort.signal })
    const id = adaptedModelId(
      source.id,
      worn.map(({ id }) => id),
    )
    const adapted: ModelSource = {
      ...{ id, path: source.path, base: source.id },
      adapters: worn.map(({ id, path }) => ({ id, path, scale: 1 })),
    }
    const spec = `${base}+${id.slice(0, id.indexOf('@sha256:') + '@sha256:'.length + 8)}`
    const mayOffer = isOffered && under.length === 0
    const loaded = await this.#serve(spec, async () => adapted, mayOffer)
    if (replaces !== undefined && replaces !== id) void this.retire(replaces)
    return loaded
  }

  /**
   * Takes a model out of the offers, and frees it when the last offer of it has expired and its last task has ended.
   * @returns when it is freed, or is wanted again, or the node stops; at once for one that is not served
   */
  retire(model: ModelId): Promise<void> {
    const served = this.#served.get(model)
    if (served === undefined || this.#abort.signal.aborted) return Promise.resolve()
    if (served.retiring !== null) return served.retiring.over.promise
    const { clock } = this.#modules
    const fromMs = clock.nowMs() + (served.isOffered ? this.#options.offerLifetimeMs : 0)
    const timer = repeat(clock, LOOK_EVERY_MS, async () => {
      if (clock.nowMs() < fromMs || this.#tasksOf(model) > 0) return
      timer.cancel()
      await this.#free(model, served)
    })
    served.retiring = { over: Promise.withResolvers(), timer }
    this.#changed()
    return served.retiring.over.promise
  }

  /** Gives up what is being loaded and what is on its way out. Idempotent. */
  stop(): void {
    this.#abort.abort()
    for (const { retiring } of this.#served.values()) end(retiring)
    this.#listeners.clear()
  }

  async #free(model: ModelId, served: Served): Promise<void> {
    const { engine, tell, log } = this.#modules
    this.#served.delete(model)
    try {
      await engine.unload(model)
    } catch (error) {
      log.warn({ err: error, model }, 'a model could not be freed')
    }
    tell({ type: 'model', spec: served.spec, state: 'retired', model })
    end(served.retiring)
  }

  #serve(
    spec: string,
    find: (signal: AbortSignal) => Promise<ModelSource>,
    isOffered: boolean,
  ): Promise<LoadedModel> {
    const serving = this.#loading.then(() => this.#serveNow(spec, find, isOffered))
    this.#loading = serving.catch(() => {})
    return serving
  }

  async #serveNow(
    spec: string,
    find: (signal: AbortSignal) => Promise<ModelSource>,
    isOffered: boolean,
  ): Promise<LoadedModel> {
    const { engine, record, tell, log } = this.#modules
    const { signal } = this.#abort
    try {
      tell({ type: 'model', spec, state: 'loading' })
      await engine.start()
      const source = await find(signal)
      const isPrivate = await this.#isPrivate(source)
      const loaded = await engine.load(source, { signal })
      await record(loaded.id)
      end(this.#served.get(loaded.id)?.retiring ?? null)
      this.#served.set(loaded.id, { spec, isOffered: isOffered && !isPrivate, retiring: null })
      this.#changed()
      tell({ type: 'model', spec, state: 'ready', model: loaded.id })
      return loaded
    } catch (error) {
      if (signal.aborted) throw error
      const fix = error instanceof ShoalError ? error.fix : undefined
      const message = error instanceof Error ? error.message : String(error)
      tell({
        ...{ type: 'model', spec, state: 'failed' },
        error: fix === undefined ? `${message}.` : `${message}. ${fix}`,
      })
      log.error({ err: error, spec }, 'a model could not be loaded')
      throw error
    }
  }

  #resolve(spec: string, signal: AbortSignal): Promise<ModelSource> {
    const { catalog, tell } = this.#modules
    const onProgress = (progress: DownloadProgress) => {
      if (progress.phase === 'downloading') tell({ type: 'model', spec, state: 'downloading', progress })
    }
    return catalog.resolve(spec, { signal, onProgress })
  }

  /** Whether it wears what was made for this node's owner alone. */
  async #isPrivate({ adapters = [] }: ModelSource): Promise<boolean> {
    for (const { id } of adapters) {
      const known = id === undefined ? null : await this.#modules.catalog.adapters.find(id)
      if (known?.isPrivate !== false) return true
    }
    return false
  }

  #isRetiring(model: ModelId): boolean {
    return this.#served.get(model)?.retiring != null
  }

  #view(has: (model: LoadedModel) => boolean): EngineView {
    const { engine } = this.#modules
    const status = (): EngineStatus => {
      const whole = engine.status()
      return { ...whole, models: whole.models.filter(has) }
    }
    return {
      status,
      onStatus: listener => {
        const changed = () => listener(status())
        this.#listeners.add(changed)
        const off = engine.onStatus(changed)
        return () => {
          off()
          this.#listeners.delete(changed)
        }
      },
    }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function end(retiring: Retiring | null): void {
  retiring?.timer.cancel()
  retiring?.over.resolve()
}
