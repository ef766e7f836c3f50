#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Of a node alone: with its flags Node.js compiles its own modules anew, which would take a command that only looks at
// one half of its time. Must be said before the heap grows.
if (process.argv[2] === 'up') {
  const { keepHeap } = await import('./keep-heap.ts')
  keepHeap()
}
// Kept apart from the program: what it imports is then compiled once a machine, not once a start.
enableCompileCache()
const { runCommandLine } = await import('./program.ts')
await runCommandLine(process.argv)
