// Made by `npm run generate` from contracts/. Do not edit.

/** Compiler, as `solc` names itself, and sha256 of its version and settings. */
export const compiler = { version: '0.8.37', settingsDigest: 'sha256:e179bf15ed30f648970cee0a150e0c9e3693aa4efae47da61fd6cf94827b51e7' } as const

/** sha256 of the creation bytecode of all contracts in order, without metadata: changes when the code does. */
export const contractsDigest = 'sha256:2577ba7898d7a8f9525bf47bca2086910f38d7b3c414a6e9c3088c8b49bed8c2'
