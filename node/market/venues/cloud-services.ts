import { RemoteEngine } from '../../../inference/remote/remote-engine.ts'
import type { UpstreamError } from '../../../inference/remote/upstream-error.ts'
import type { DataClass } from '../../../protocol/data-class.ts'
import type { Clock } from '../../clock.ts'
import type { Listing } from '../routing/candidate.ts'
import { ClearedEngine } from './cleared-engine.ts'
import { readServiceKey } from './service-key.ts'
import { type CloudService, readServicesFile } from './services-file.ts'

export interface CloudServicesModules {
  /** Where keys may be; `process.env`. */
  environment: Readonly<Record<string, string | undefined>>
  clock: Clock
  random: () => number
  /** Told when a service fails in a way its operator should know of. */
  onTrouble: (error: UpstreamError) => void
  fetch?: typeof globalThis.fetch
}

export type CloudId = `cloud:${string}`

interface Held {
  description: CloudService
  engine: RemoteEngine
  cleared: ClearedEngine
}

/** The cloud services this node may use: as listings beside those of peers, and as engines for cleared tasks. */
export class CloudServices {
  readonly #services: ReadonlyMap<CloudId, Held>

  private constructor(services: ReadonlyMap<CloudId, Held>) {
    this.#services = services
  }

  /**
   * @param path file of `cloud.services`; null for none
   * @throws {ConfigError} CONFIG_UNREADABLE, CONFIG_BAD_VALUE
   */
  static async open(path: string | null, modules: CloudServicesModules): Promise<CloudServices> {
    const services = new Map<CloudId, Held>()
    for (const description of path === null ? [] : await readServicesFile(path)) {
      const id: CloudId = `cloud:${description.service.name}`
      const engine = new RemoteEngine(
        { service: description.service },
        {
          key: await readServiceKey(description, modules.environment),
          timing: modules.clock,
          random: modules.random,
          onTrouble: modules.onTrouble,
          ...(modules.fetch === undefined ? {} : { fetch: modules.fetch }),
        },
      )
      const cleared = new ClearedEngine({ provider: id }, { engine })
      services.set(id, { description, engine, cleared })
    }
    return new CloudServices(services)
  }

  async start(): Promise<void> {
    for (const { engine } of this.#services.values()) await engine.start()
  }

  /** Cancels what runs. Idempotent. */
  async stop(): Promise<void> {
    for (const { engine } of this.#services.values()) await engine.stop()
  }

  engineOf(id: CloudId): ClearedEngine | null {
    return this.#services.get(id)?.cleared ?? null
  }

  /** The most guarded class of data a service may have; null for one that is not configured. */
  classOf(id: CloudId): DataClass | null {
    return this.#services.get(id)?.description.dataClass ?? null
  }

  /** Called when what `listings` tells has changed. @returns ends it */
  onChange(listener: () => void): () => void {
    const ends = [...this.#services.values()].map(({ engine }) => engine.onStatus(listener))
    return () => {
      for (const end of ends) end()
    }
  }

  /** What they can do now. A service that is to be left alone for a while has no free slot. */
  listings(): Listing[] {
    return [...this.#services].flatMap(([provider, { description, engine }]) => {
      const { models, freeSlots, queued } = engine.status()
      const { dataClass, region, terms } = description
      return models.map((model): Listing => {
        const { kinds, price, quality, ttftMs } = terms.get(model.id)!
        return {
          provider,
          venue: 'cloud',
          offer: null,
          model: {
            model: model.id,
            adapter: null,
            kinds,
            modalities: ['text'],
            contextTokens: model.contextTokens,
            quantization: '',
            parameterCount: model.parameterCount,
            slots: model.slots,
            ...price,
            spot: null,
            tokensPerSecond: Math.round(model.measuredTokensPerSecond),
            ttftMs,
            freeSlots,
            queued,
          },
          terms: { dataClass, slaClasses: ['B'], region, quality },
        }
      })
    })
  }
}
