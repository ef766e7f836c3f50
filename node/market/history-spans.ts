/** How far back a price history goes, from fine to coarse. */
export const HISTORY_SPANS = ['1h', '24h', '7d'] as const
export type HistorySpan = (typeof HISTORY_SPANS)[number]
