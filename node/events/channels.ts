/** Subjects of events; each keeps its own order and its own share of the disk. */
export const CHANNELS = ['tasks', 'receipts', 'prices', 'learning', 'peers', 'audit', 'system'] as const
export type Channel = (typeof CHANNELS)[number]
