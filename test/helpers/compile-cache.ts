import { enableCompileCache } from 'node:module'

// Mocha loads this first. Tests start more than a hundred processes: each is spared compiling what another has.
enableCompileCache()
