// Made by `npm run generate` from contracts/. Do not edit.

/** Compiler, as `solc` names itself, and sha256 of its version and settings. */
export const compiler = { version: '0.8.37', settingsDigest: 'sha256:e179bf15ed30f648970cee0a150e0c9e3693aa4efae47da61fd6cf94827b51e7' } as const

/** sha256 of the creation bytecode of core and governance in order, without metadata: changes when the code does. */
export const contractsDigest = 'sha256:74cc9ad3dd4c87af2c7c8d0e0c9a5cc8a04d1f003f69331ec57f44528a231bad'
