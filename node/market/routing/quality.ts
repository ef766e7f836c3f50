import type { Listing } from './candidate.ts'

/** How good a model's answers are expected to be, 0 to 1. */
export interface QualityModel {
  of(listing: Listing): number
}
