import type { Engine, ModelSource } from '../../../inference/engine.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import { chatTemplateOf, generateRequest } from '../../tasks/engine-task.ts'
import type { ArchivedTask } from './archived-task.ts'
import type { Auditor, AuditReport, Availability } from './auditor.ts'

export interface LocalAuditorOptions {
  /** Whether models that are on this machine but not served may be loaded for audits. */
  loadModels: boolean
}

export interface LocalAuditorModules {
  engine: Engine
  /** @throws {ModelError} MODEL_NOT_FOUND where no file here has the digest */
  catalog: {
    resolve(id: ModelId): Promise<ModelSource>
    /** The base with the adapter; `details.lacks` says which of them is not here. */
    resolveAdapted(model: ModelId, adapter: ModelId): Promise<ModelSource>
  }
}

/** What of a task's model is not on this machine. */
export type Lacking = 'model' | 'adapter'

type MadeWith = Pick<Receipt, 'model' | 'adapter'>

/** Models this machine does not have are looked for again after so many others. */
const MAX_MISSING = 256

/** Scores outputs on this node's own engine, while nobody waits for it. */
export class LocalAuditor implements Auditor {
  readonly #options: LocalAuditorOptions
  readonly #modules: LocalAuditorModules
  /** Not on this machine, or too large for it. */
  readonly #missing = new Map<ModelId, Lacking>()
  /** Loaded for audits alone; null when none is. */
  #borrowed: ModelId | null = null
  #loading: Promise<boolean> = Promise.resolve(true)

  constructor(options: LocalAuditorOptions, modules: LocalAuditorModules) {
    this.#options = options
    this.#modules = modules
  }

  /** A model that is loaded for audits alone: it is not for tasks of others. */
  get borrowed(): ModelId | null {
    return this.#borrowed
  }

  /** A model is there to be offered from now on, whoever loaded it first. */
  served(model: ModelId): void {
    if (this.#borrowed === model) this.#borrowed = null
  }

  /** There is something new on this machine: what was missing may be among it. */
  lookAgain(): void {
    this.#missing.clear()
  }

  /** Why a task of this model could not be had here when it was last tried; null where it was not, or could. */
  lacking(model: ModelId): Lacking | null {
    return this.#missing.get(model) ?? null
  }

  /** @param options.mayLoad whether the model may be loaded for it, in place of what is set for all audits */
  async availability(
    { receipt }: Pick<ArchivedTask, 'receipt'>,
    { mayLoad = this.#options.loadModels }: { mayLoad?: boolean } = {},
  ): Promise<Availability> {
    const { model } = receipt
    const status = this.#modules.engine.status()
    const loaded = status.models.find(({ id }) => id === model)
    if (loaded !== undefined && loaded.contextTokens < receipt.promptTokens + receipt.outputTokens)
      return 'never'
    const isLoaded = loaded !== undefined
    if (!isLoaded && (!mayLoad || this.#missing.has(model))) return 'never'
    // Nothing of a model's that is on its way up or down.
    if (status.state === 'starting' || status.state === 'restarting') return 'later'
    if (status.models.length > 0 && (status.freeSlots === 0 || status.queued > 0)) return 'later'
    return isLoaded || (await this.#load(receipt)) ? 'now' : 'never'
  }

  async audit(task: ArchivedTask, { signal }: { signal: AbortSignal }): Promise<AuditReport> {
    const { engine } = this.#modules
    const { receipt, request, tokens } = task
    // The engine lets generations that come meanwhile go first.
    const scored = await engine.score({ ...generateRequest(request), output: tokens }, { signal })
    const { backend, models } = engine.status()
    return {
      scored,
      backend: backend?.kind ?? 'cpu',
      quantization: models.find(({ id }) => id === receipt.model)?.quantization ?? '',
      chatTemplate: chatTemplateOf(engine, receipt.model),
      auditor: null,
    }
  }

  /** One after the other: the desk of audits, juries and people may want models at once. @returns whether it is there now */
  #load(made: MadeWith): Promise<boolean> {
    this.#loading = this.#loading.then(() => this.#loadNow(made))
    return this.#loading
  }

  async #loadNow({ model, adapter }: MadeWith): Promise<boolean> {
    const { engine, catalog } = this.#modules
    if (engine.status().models.some(({ id }) => id === model)) return true
    try {
      const source = await (adapter === null
        ? catalog.resolve(model)
        : catalog.resolveAdapted(model, adapter))
      if (this.#borrowed !== null) await engine.unload(this.#borrowed)
      this.#borrowed = null
      await engine.start()
      // Before it is there, so that it is never offered.
      this.#borrowed = model
      await engine.load(source)
      return true
    } catch (error) {
      if (this.#borrowed === model) this.#borrowed = null
      if (this.#missing.size >= MAX_MISSING) this.#missing.clear()
      const lacksAdapter = isShoalError(error) && error.details.lacks === 'adapter'
      this.#missing.set(model, lacksAdapter ? 'adapter' : 'model')
      return false
    }
  }
}
