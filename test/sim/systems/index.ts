import type { SimSystem } from '../market.ts'
import { averageRating } from './average-rating.ts'
import { cheapest } from './cheapest.ts'
import { eigenTrust } from './eigentrust.ts'
import { randomChoice } from './random.ts'
import { shoalWith } from './shoal.ts'

/** What Shoal is compared with. */
export const BASELINES: readonly SimSystem[] = [randomChoice, cheapest, averageRating, eigenTrust]
export const SYSTEMS: readonly SimSystem[] = [...BASELINES, shoalWith()]
