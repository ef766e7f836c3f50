import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { SimProvider } from './market.ts'
import type { Random } from './random.ts'

/** Models by how much they are asked for: the r-th in proportion to 1/r (Zipf). */
export function modelWeights(models: number): number[] {
  return Array.from({ length: models }, (_, rank) => 1 / (rank + 1))
}

/** What the market pays for a million output tokens of model `rank`, credits: bigger models are rarer and dearer. */
function usualPrice(rank: number): number {
  return 1 + rank / 4
}

/** Input tokens are cheaper to make, by this. */
const INPUT_PRICE_SHARE = 0.25
/** Who leaves the price as it was set at first. */
const DEFAULT_PRICE_SHARE = 0.4
const PRICE_SPREAD = 0.2
const SPEED_SPREAD = 0.35
export const MEDIAN_TOKENS_PER_SECOND = 10
const MEDIAN_TTFT_MS = 300
/** Share of honest providers with anything at stake, and how much: the least that counts. */
const STAKED_SHARE = 0.3
export const STAKE_CREDITS = 1
export const REGIONS = 4

/** What an identity shows of itself; whatever is left out is drawn as for an honest provider. */
export interface Appearance {
  model?: number
  region?: number
  /** Times the usual price. */
  priceFactor?: number
  tokensPerSecond?: number
  ttftMs?: number
  slots?: number
  stake?: number
  failureRate?: number
  stallRate?: number
  /** First three numbers of the IPv4, and the funder: those of one operator who hides nothing are the same. */
  network?: string
  funder?: Address
  isAttacker?: boolean
}

/** Makes identities; the same ones for the same seed. */
export class Population {
  readonly #random: Random
  readonly #weights: number[]
  #made = 0

  constructor(options: { models: number }, modules: { random: Random }) {
    this.#weights = modelWeights(options.models)
    this.#random = modules.random
  }

  drawModel(): number {
    return this.#random.weighted(this.#weights)
  }

  key(): NodeKey {
    return this.#random.hex(64)
  }

  wallet(): Address {
    return `0x${this.#random.hex(40)}`
  }

  provider(appearance: Appearance = {}): SimProvider {
    const random = this.#random
    const model = appearance.model ?? this.drawModel()
    const honestFactor = random.chance(DEFAULT_PRICE_SHARE) ? 1 : random.logNormal(1, PRICE_SPREAD)
    const outputPerMillion = usualPrice(model) * (appearance.priceFactor ?? honestFactor)
    const network =
      appearance.network ?? `${10 + random.below(200)}.${random.below(256)}.${random.below(256)}`
    const isAttacker = appearance.isAttacker ?? false
    return {
      index: this.#made++,
      key: this.key(),
      wallet: this.wallet(),
      funder: appearance.funder ?? this.wallet(),
      ip: `${network}.${1 + random.below(254)}`,
      model,
      region: appearance.region ?? random.below(REGIONS),
      inputPerMillion: outputPerMillion * INPUT_PRICE_SHARE,
      outputPerMillion,
      tokensPerSecond:
        appearance.tokensPerSecond ?? Math.round(random.logNormal(MEDIAN_TOKENS_PER_SECOND, SPEED_SPREAD)),
      ttftMs: appearance.ttftMs ?? Math.round(random.logNormal(MEDIAN_TTFT_MS, SPEED_SPREAD)),
      slots: appearance.slots ?? 1 + random.below(3),
      stake: appearance.stake ?? (random.chance(STAKED_SHARE) ? STAKE_CREDITS : 0),
      // Most fail one task in a hundred, some one in ten.
      failureRate: appearance.failureRate ?? Math.min(0.15, random.exponential(0.015)),
      stallRate: appearance.stallRate ?? Math.min(0.05, random.exponential(0.004)),
      isAttacker,
      isAlive: true,
      busy: 0,
      knownFreeSlots: 1,
      tasks: 0,
      exposed: 0,
    }
  }

  /** A newcomer that is like `veteran` in all but its name, and perhaps its stake. */
  twin(veteran: SimProvider, stake: number): SimProvider {
    const { model, region, tokensPerSecond, ttftMs, slots, failureRate, stallRate } = veteran
    const priceFactor = veteran.outputPerMillion / usualPrice(model)
    return this.provider({
      ...{ model, region, priceFactor, tokensPerSecond, ttftMs, slots, stake, failureRate, stallRate },
    })
  }
}
