import type { EventEmitter } from 'node:events'
import pLimit from 'p-limit'
import type { CidString, ModelId } from '../../../protocol/ids.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { ModelServing } from '../../model-serving.ts'
import type { VersionLine } from './version-book.ts'
import type { AdapterVersions, AdapterVersionsEvents } from './versions.ts'

export interface AdapterServingOptions {
  /** Whether adapters are served at all. */
  enabled: boolean
}

export interface AdapterServingModules {
  versions: Pick<AdapterVersions, 'lines' | 'current' | 'path'> &
    Pick<EventEmitter<AdapterVersionsEvents>, 'on' | 'off'>
  serving: Pick<ModelServing, 'serveAdapter' | 'retire' | 'models'>
  clock: Clock
  log: Logger
}

/** Bases come and go, and loading may fail for want of memory. */
const LOOK_EVERY_MS = 5_000

/**
 * Keeps at work, for each base that this node serves, what its lines use: the new one is loaded before the old one goes, so that
 * no task is dropped. What is served follows what is written down; after a restart likewise.
 */
export class AdapterServing {
  readonly #options: AdapterServingOptions
  readonly #modules: AdapterServingModules
  readonly #one = pLimit(1)
  /** What is at work for each line. */
  readonly #served = new Map<string, { version: CidString; model: ModelId }>()
  #timer: Timer | null = null
  #isStopped = false
  readonly #onCurrent = () => void this.look()

  constructor(options: AdapterServingOptions, modules: AdapterServingModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    if (!this.#options.enabled) return
    const { versions, clock } = this.#modules
    versions.on('current', this.#onCurrent)
    this.#timer = repeat(clock, LOOK_EVERY_MS, () => this.look())
    void this.look()
  }

  /** Idempotent; what is at work stays so. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
    this.#modules.versions.off('current', this.#onCurrent)
  }

  /** The model that is at work for a version; null where none is. */
  modelOf(version: CidString): ModelId | null {
    for (const served of this.#served.values()) if (served.version === version) return served.model
    return null
  }

  /** Brings what is at work to what is written down. Never fails: it is tried again. */
  async look(): Promise<void> {
    if (!this.#options.enabled) return
    await this.#one(async () => {
      for (const line of this.#modules.versions.lines()) {
        if (this.#isStopped) return
        try {
          await this.#follow(line)
        } catch (error) {
          this.#modules.log.warn({ err: error, domain: line.domain }, 'an adapter could not be served')
        }
      }
    })
  }

  async #follow({ base, domain }: VersionLine): Promise<void> {
    const { versions, serving } = this.#modules
    const key = `${base}|${domain}`
    const before = this.#served.get(key)
    const wanted = serving.models().includes(base) ? versions.current(base, domain) : null
    if (wanted?.cid === before?.version) return
    if (wanted === null) {
      this.#served.delete(key)
      void serving.retire(before!.model)
      return
    }
    const path = versions.path(wanted)
    if (path === null) return
    const replaces = before === undefined ? {} : { replaces: before.model }
    const { id } = await serving.serveAdapter({ base, path, ...replaces })
    this.#served.set(key, { version: wanted.cid, model: id })
  }
}
