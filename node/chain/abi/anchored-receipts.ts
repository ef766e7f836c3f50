// Made by `npm run generate` from contracts/. Do not edit.

export const anchoredReceiptsAbi = [] as const
