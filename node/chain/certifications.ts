import type { Address } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Certification } from './client.ts'

const FRESH_MS = 10 * 60_000
/** An attestation can be taken back: what was read so long ago counts no more. */
const MAX_AGE_MS = 30 * 60_000
const MAX_ENTRIES = 10_000
const MAX_ASKING = 16

/** Who vouches in the registry that a wallet's node is what it says; looked up once in a while and remembered. */
export class Certifications {
  readonly #client: { certification(wallet: Address): Promise<Certification | null> }
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<Address, { certification: Certification | null; atMs: number }>()
  readonly #asking = new Set<Address>()

  constructor(modules: {
    client: { certification(wallet: Address): Promise<Certification | null> }
    clock: Clock
    log: Logger
  }) {
    this.#client = modules.client
    this.#clock = modules.clock
    this.#log = modules.log
  }

  /** The attester whose CERTIFIED counts for a wallet now; null when there is none or it is not known. */
  certifierOf(wallet: Address): Address | null {
    const known = this.#known.get(wallet)
    const nowMs = this.#clock.nowMs()
    if (known === undefined || nowMs - known.atMs >= MAX_AGE_MS) return null
    const { certification } = known
    return certification !== null && certification.expiresAtMs > nowMs ? certification.attester : null
  }

  /** Looks a wallet up unless that was done lately. Never throws. */
  async check(wallet: Address): Promise<void> {
    const known = this.#known.get(wallet)
    if (known !== undefined && this.#clock.nowMs() - known.atMs < FRESH_MS) return
    if (this.#asking.has(wallet) || this.#asking.size >= MAX_ASKING) return
    this.#asking.add(wallet)
    try {
      const certification = await this.#client.certification(wallet)
      this.#known.delete(wallet)
      this.#known.set(wallet, { certification, atMs: this.#clock.nowMs() })
      if (this.#known.size > MAX_ENTRIES) this.#known.delete(this.#known.keys().next().value!)
    } catch (error) {
      this.#log.debug({ err: error, wallet }, 'a certification could not be looked up')
    } finally {
      this.#asking.delete(wallet)
    }
  }
}
