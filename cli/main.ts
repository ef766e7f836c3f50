#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Kept apart from the program: what it imports is then compiled once a machine, not once a start.
enableCompileCache()
const { runCommandLine } = await import('./program.ts')
await runCommandLine(process.argv)
