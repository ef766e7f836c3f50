/** The page shows amounts and times in the same words. */
export * from '../../node/gateway/readable.ts'
