import type { AdapterSource, Engine, LoadedModel } from '../../../inference/engine.ts'
import type { Trainer } from '../../../inference/learning/trainer.ts'
import type { ModelCatalog } from '../../../inference/models/catalog.ts'
import { ModelIdentifier } from '../../../inference/models/identity.ts'
import { type ModelId, parseModelId } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { ModelServing } from '../../model-serving.ts'
import type { DataBook } from '../data/data-book.ts'
import type { LearningLifecycle } from '../lifecycle/lifecycle.ts'
import { Twin, type TwinProgress, type TwinStatus } from './twin.ts'

export interface TwinDeskOptions {
  /** `learning/twin` of the data folder. */
  folder: string
  /** Where digests of models are remembered. */
  cacheFolder: string
}

export interface TwinDeskModules {
  book: Pick<DataBook, 'trainingFiles'>
  engine: Engine
  trainer: Pick<Trainer, 'train'>
  lifecycle: Pick<LearningLifecycle, 'run'>
  catalog: Pick<ModelCatalog, 'resolve' | 'adapters'>
  serving: Pick<ModelServing, 'serveAdapter' | 'retire' | 'models'>
  clock: Clock
  log: Logger
}

export interface TwinOrder {
  /** Any name of a model; null takes the first that is served. */
  base: string | null
  /** Null takes all data. */
  domain: string | null
  steps: number | null
}

/** The twin of a running node: trained when the lifecycle lets it, and at work for own tasks once it is there. */
export class TwinDesk {
  readonly #modules: TwinDeskModules
  readonly #twin: Twin
  /** At work with the twin on; null when none is. */
  #served: ModelId | null = null

  constructor(options: TwinDeskOptions, modules: TwinDeskModules) {
    this.#modules = modules
    const identifier = new ModelIdentifier({ cacheFolder: options.cacheFolder })
    this.#twin = new Twin({ folder: options.folder }, { ...modules, identifier })
  }

  /** What there is, and the model that own tasks can name to have it. */
  async status(): Promise<{ twin: TwinStatus | null; model: ModelId | null }> {
    return { twin: await this.#twin.status(), model: this.#served }
  }

  /**
   * Trains a twin on top of what its base wears of accepted rounds, and puts it to work for own tasks.
   * @throws as `Twin.train`
   */
  async train(
    { base: name, domain, steps }: TwinOrder,
    options: { signal?: AbortSignal; onProgress?: (progress: TwinProgress) => void } = {},
  ): Promise<TwinStatus> {
    const { catalog, engine } = this.#modules
    const model = name === null ? engine.status().models.find(({ id }) => id !== this.#served) : undefined
    const base = await catalog.resolve(
      name ?? (model === undefined ? DEFAULT_BASE : (model.base ?? model.id)),
      options.signal === undefined ? {} : { signal: options.signal },
    )
    const plain = { id: base.base ?? base.id, path: base.path }
    const under = await this.#under(base.adapters ?? this.#worn(model), plain.id)
    const settings = steps === null ? {} : { steps }
    const status = await this.#twin.train({ base: plain, under, domain, settings }, options)
    await this.serve()
    return status
  }

  /** Puts the twin that is there to work for own tasks; null where there is none. @throws {ShoalError} when it cannot be loaded */
  async serve(): Promise<ModelId | null> {
    const { catalog, serving } = this.#modules
    const own = await this.#twin.forOwnEngine()
    if (own === null) return null
    const shared = own.under === null ? null : await catalog.adapters.find(own.under)
    const { id } = await serving.serveAdapter({
      base: own.base,
      path: own.path,
      isOffered: false,
      ...(shared === null ? {} : { under: [shared.path] }),
      ...(this.#served === null ? {} : { replaces: this.#served }),
    })
    this.#served = id
    return id
  }

  /** The same when a node starts; what stands against it is logged. */
  async begin(): Promise<void> {
    await this.serve().catch((error: unknown) => {
      this.#modules.log.warn({ err: error }, 'the personal twin could not be put to work')
    })
  }

  /** Takes it out of work and removes it. @returns whether there was one */
  async forget(): Promise<boolean> {
    const had = await this.#twin.forget()
    if (this.#served !== null) void this.#modules.serving.retire(this.#served)
    this.#served = null
    return had
  }

  #worn(model: LoadedModel | undefined): readonly AdapterSource[] {
    return model?.adapters ?? []
  }

  /** The one shared adapter below it, if there is one of this base. */
  async #under(worn: readonly AdapterSource[], base: ModelId): Promise<AdapterSource | null> {
    const [shared] = worn
    if (shared?.id === undefined || worn.length !== 1) return null
    const known = await this.#modules.catalog.adapters.add(shared.path)
    const digest = `sha256:${parseModelId(base)?.sha256}`
    return known.isPrivate || known.base !== digest ? null : { ...shared, id: known.id }
  }
}

const DEFAULT_BASE = 'shoal-mini'
