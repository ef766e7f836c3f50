import { parentPort, workerData } from 'node:worker_threads'
import { type CompiledContract, CompileError, compile, projectSources, type Settings } from './compiler.ts'
import { type Mutant, mutate } from './mutants.ts'

/** What a compiling thread is started with. */
export interface CompilerData {
  root: string
  /** As `source:name`. */
  contract: string
  settings: Settings
}

/** The contract with a mutant in it, or without for undefined. */
export type CompileRequest = { mutant: Mutant | undefined }

/** Undefined when the mutant does not compile. */
export type CompileAnswer = { compiled: CompiledContract | undefined }

const { root, contract, settings } = workerData as CompilerData
const sources = projectSources(root)
const [source] = contract.split(':') as [string]

parentPort!.on('message', ({ mutant }: CompileRequest) => {
  parentPort!.postMessage({ compiled: compiled(mutant) } satisfies CompileAnswer)
})

function compiled(mutant: Mutant | undefined): CompiledContract | undefined {
  const changed = {
    read: (name: string) => (name === mutant?.file ? mutate(sources.read(name), mutant) : sources.read(name)),
  }
  try {
    return compile(changed, [source], settings, 'code').contracts.get(contract)
  } catch (error) {
    if (error instanceof CompileError && mutant !== undefined) return undefined
    throw error
  }
}
