import type { Engine } from '../../../inference/engine.ts'
import type { TokenPrice } from '../../../protocol/money.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { CapabilityIndex } from '../capability-index.ts'
import type { ServiceMeter } from '../service-meter.ts'
import type { CloudServices } from './cloud-services.ts'
import { localListings } from './local-listings.ts'

export interface OwnListingsOptions {
  /** Whether own tasks may be done by the own engine. */
  useLocal: boolean
  /** What tokens of this machine are worth to its operator, base units per million. */
  localPrice: TokenPrice
  region: string | null
}

export interface OwnListingsModules {
  engine: Pick<Engine, 'status' | 'onStatus'>
  /** What own tasks and those for others have shown of this machine; null for no more than the engine's claims. */
  meter: ServiceMeter | null
  cloud: CloudServices
  index: Pick<CapabilityIndex, 'setLocal'>
  clock: Clock
}

/** Changes that come together are told together. */
const DEBOUNCE_MS = 50

/** Keeps in the index what this node's own engine and its cloud services can do, so that they compete with peers. */
export class OwnListings {
  readonly #options: OwnListingsOptions
  readonly #modules: OwnListingsModules
  #ends: (() => void)[] = []
  #debounce: Timer | null = null
  #told = ''

  constructor(options: OwnListingsOptions, modules: OwnListingsModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    const { engine, cloud } = this.#modules
    const changed = () => this.#changed()
    this.#ends = [engine.onStatus(changed), cloud.onChange(changed)]
    this.#tell()
  }

  /** Takes them out again. Idempotent. */
  stop(): void {
    for (const end of this.#ends.splice(0)) end()
    this.#debounce?.cancel()
    this.#debounce = null
    this.#modules.index.setLocal([])
  }

  #changed(): void {
    this.#debounce ??= this.#modules.clock.setTimer(() => {
      this.#debounce = null
      this.#tell()
    }, DEBOUNCE_MS)
  }

  #tell(): void {
    const { engine, meter, cloud, index } = this.#modules
    const { useLocal, localPrice: price, region } = this.#options
    const local = useLocal ? localListings(engine.status(), { price, region }, { meter }) : []
    const listings = [...local, ...cloud.listings()]
    const shape = JSON.stringify(listings, (_, value) => (typeof value === 'bigint' ? String(value) : value))
    if (shape === this.#told) return
    this.#told = shape
    index.setLocal(listings)
  }
}
