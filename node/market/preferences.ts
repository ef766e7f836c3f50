import type { DataClass } from '../../protocol/data-class.ts'
import type { Auction } from '../../protocol/messages/bid.ts'
import type { CapacityMode, SlaClass } from '../../protocol/sla-class.ts'

/** What a task is optimised for. */
export const STRATEGIES = ['balanced', 'cost', 'speed', 'quality', 'privacy', 'geo'] as const
export type Strategy = (typeof STRATEGIES)[number]

/** How a task is to be done, beside what it is: what people choose once and seldom change. */
export interface Preferences {
  strategy: Strategy
  mode: CapacityMode
  slaClass: SlaClass
  dataClass: DataClass
  /** A region's beginning, as `eu` or `eu-de`; null for any. */
  region: string | null
  /** 0 to 100. */
  minReputation: number
  /** Base units the provider's wallet must have at stake. */
  minStake: bigint
  /** 0 to 1; see `quality.ts`. */
  minQuality: number
  /** How long the whole task may take, ms; null for no limit. */
  deadlineMs: number | null
  /** How the price is found: null takes the offers' prices. */
  auction: Auction | null
}

export const DEFAULT_PREFERENCES: Preferences = {
  strategy: 'balanced',
  mode: 'on-demand',
  slaClass: 'B',
  dataClass: 'SHARED',
  region: null,
  minReputation: 0,
  minStake: 0n,
  minQuality: 0,
  deadlineMs: null,
  auction: null,
}
