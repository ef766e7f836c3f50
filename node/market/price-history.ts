import type { PriceReason } from '../../protocol/messages/offer.ts'

/** Prices of a model in the market at one time: credits per million tokens. */
export interface PriceSpread {
  low: number
  median: number
  high: number
}

/** What one look at the market says of a model. */
export interface PriceSample {
  /** Providers that offer it. */
  providers: number
  input: PriceSpread
  output: PriceSpread
  /** This node's own price; null while it does not offer the model. */
  own: { input: number; output: number; reason: PriceReason } | null
}

/** A stretch of the history: averages weighted by time, credits per million tokens. */
export interface PriceBucket {
  startMs: number
  /** How much of its width was looked at. */
  coveredMs: number
  providers: number
  input: PriceSpread
  output: PriceSpread
  own: { input: number; output: number } | null
}

/** How far back, from fine to coarse. */
export const HISTORY_SPANS = ['1h', '24h', '7d'] as const
export type HistorySpan = (typeof HISTORY_SPANS)[number]
