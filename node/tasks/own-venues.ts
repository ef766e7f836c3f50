import type { Engine } from '../../inference/engine.ts'
import type { UpstreamError } from '../../inference/remote/upstream-error.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import type { CapabilityIndex } from '../market/capability-index.ts'
import type { Clearance } from '../market/clearance.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import type { ServiceMeter } from '../market/service-meter.ts'
import { ClearedEngine } from '../market/venues/cleared-engine.ts'
import type { CloudId, CloudServices } from '../market/venues/cloud-services.ts'
import { OwnListings } from '../market/venues/own-listings.ts'
import type { CloudSpending } from '../payments/cloud-spending.ts'
import { EngineVenue } from './engine-venue.ts'
import type { Venue } from './venue.ts'

export interface OwnVenuesModules {
  cloud: CloudServices
  engine: Engine
  /** What of the engine own tasks may use. */
  listed: Pick<Engine, 'status' | 'onStatus'>
  meter: ServiceMeter | null
  index: CapabilityIndex
  clearance: Clearance
  spending: CloudSpending
  clock: Clock
  log: Logger
}

/** Where this node can have its tasks done without a peer: on its own engine, and at its cloud services. */
export class OwnVenues {
  readonly venues: { local: Venue; cloud: Venue }
  readonly #cloud: CloudServices
  readonly #listings: OwnListings

  constructor(config: Config, modules: OwnVenuesModules) {
    const { cloud, engine, listed, meter, index, clearance, spending, clock, log } = modules
    this.#cloud = cloud
    this.#listings = new OwnListings(
      {
        useLocal: config['local.use'],
        localPrice: { inputPerMillion: config['local.input'], outputPerMillion: config['local.output'] },
        region: config['offer.region'],
      },
      { engine: listed, meter, cloud, index, clock },
    )
    const options = { stallTimeoutMs: config['task.stallTimeout'] }
    const local = new ClearedEngine({ provider: 'local' }, { engine })
    this.venues = {
      local: new EngineVenue(options, { engineOf: () => local, spending: null, clearance, clock, log }),
      cloud: new EngineVenue(options, {
        engineOf: (provider: ProviderId) => cloud.engineOf(provider as CloudId),
        ...{ spending, clearance, clock, log },
      }),
    }
  }

  async start(): Promise<void> {
    await this.#cloud.start()
    this.#listings.start()
  }

  /** Cancels what runs at services; what runs on the engine is its own. Idempotent. */
  async stop(): Promise<void> {
    this.#listings.stop()
    await this.#cloud.stop()
  }
}

/** What an operator is told of a service, and not again for a while. */
const TELL_AGAIN_AFTER_MS = 60 * 60_000
const WORTH_TELLING: ReadonlySet<UpstreamError['fault']> = new Set([
  'unauthorised',
  'quota',
  'redirected',
  'not_found',
])

/**
 * Passes on what an operator must see to: a service's trouble that does not end by itself.
 * @param tell told of each kind of trouble of a service once in an hour
 */
export function cloudTrouble(
  modules: { clock: Clock; log: Logger },
  tell: (error: UpstreamError) => void,
): (error: UpstreamError) => void {
  const toldAtMs = new Map<string, number>()
  return error => {
    modules.log.debug({ err: error }, 'a cloud service failed')
    const key = `${error.details.service}:${error.fault}`
    const nowMs = modules.clock.nowMs()
    const isNews = nowMs - (toldAtMs.get(key) ?? Number.NEGATIVE_INFINITY) >= TELL_AGAIN_AFTER_MS
    if (!WORTH_TELLING.has(error.fault) || !isNews) return
    toldAtMs.set(key, nowMs)
    tell(error)
  }
}
