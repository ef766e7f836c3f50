// Made by `npm run generate` from contracts/. Do not edit.

export * from './credit-token.ts'
export * from './staking.ts'
export * from './node-registry.ts'
export * from './settlement.ts'
export * from './audit-anchor.ts'
export * from './court.ts'
export * from './emission.ts'
export * from './timelock.ts'
export * from './shoal-governor.ts'
export * from './emergency-pause.ts'
export * from './contract-registry.ts'
