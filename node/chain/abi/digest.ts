// Made by `npm run generate` from contracts/. Do not edit.

/** Compiler, as `solc` names itself, and sha256 of its version and settings. */
export const compiler = { version: '0.8.37', settingsDigest: 'sha256:e179bf15ed30f648970cee0a150e0c9e3693aa4efae47da61fd6cf94827b51e7' } as const

/** sha256 of the creation bytecode of core and governance in order, without metadata: changes when the code does. */
export const contractsDigest = 'sha256:3bae3d58d4ba412781a9affdaeae1ec90d18e5d2cb254faa9fd39d348b835ba2'
