import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A node of the compiler's syntax tree; which fields it has besides depends on `nodeType`. */
export interface AstNode {
  id: number
  nodeType: string
  /** `start:length:file`, in UTF-8 bytes. */
  src: string
  [field: string]: unknown
}

export interface Sources {
  /** The text of a source by the name it is imported by; throws when there is none. */
  read(name: string): string
}

export interface CompiledContract {
  abi: unknown[]
  /** Hex without `0x`. */
  bytecode: string
  runtimeBytecode: string
  immutables: { start: number; length: number }[]
}

export interface Compiled {
  asts: Map<string, AstNode>
  /** By `source:name`. */
  contracts: Map<string, CompiledContract>
}

/** The compiler refused the sources. */
export class CompileError extends Error {
  override readonly name = 'CompileError'
}

/** What compiling is asked for, as `hardhat.config.ts` has it. */
export interface Settings {
  evmVersion: string
  optimizer: { enabled: boolean; runs: number }
  viaIR?: boolean
}

interface Solc {
  compile(
    input: string,
    callbacks: { import(name: string): { contents: string } | { error: string } },
  ): string
}

/** A project's sources: its own from its root, others' from its `node_modules`. */
export function projectSources(root: string): Sources {
  const texts = new Map<string, string>()
  return {
    read(name) {
      const text =
        texts.get(name) ?? readFileSync(join(root, name.startsWith('@') ? 'node_modules' : '.', name), 'utf8')
      texts.set(name, text)
      return text
    },
  }
}

let solc: Solc | undefined

/**
 * Compiles in memory.
 * @param roots names of the sources to compile; what they import is read as it is met
 * @param outputs what is wanted: only syntax trees, or the code of the contracts in `roots` too
 * @throws {CompileError} with the compiler's words
 */
export function compile(
  sources: Sources,
  roots: readonly string[],
  settings: Settings,
  outputs: 'ast' | 'code',
): Compiled {
  solc ??= createRequire(import.meta.url)('solc') as Solc
  const code = [
    'abi',
    'evm.bytecode.object',
    'evm.deployedBytecode.object',
    'evm.deployedBytecode.immutableReferences',
  ]
  const outputSelection =
    outputs === 'ast'
      ? { '*': { '': ['ast'] } }
      : Object.fromEntries(roots.map(name => [name, { '*': code }]))
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(roots.map(name => [name, { content: sources.read(name) }])),
    settings: { ...settings, metadata: { appendCBOR: false }, outputSelection },
  }
  const answer = solc.compile(JSON.stringify(input), {
    import(name) {
      try {
        return { contents: sources.read(name) }
      } catch (error) {
        return { error: (error as Error).message }
      }
    },
  })
  const output = JSON.parse(answer) as SolcOutput
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new CompileError(errors.map(error => error.formattedMessage).join('\n'))
  const asts = Object.entries(output.sources ?? {}).map(([name, { ast }]) => [name, ast] as const)
  const contracts = Object.entries(output.contracts ?? {}).flatMap(([source, found]) =>
    Object.entries(found).map(([name, { abi, evm }]) => {
      const { bytecode, deployedBytecode } = evm
      const immutables = Object.values(deployedBytecode.immutableReferences ?? {}).flat()
      const contract = {
        abi,
        bytecode: bytecode.object,
        runtimeBytecode: deployedBytecode.object,
        immutables,
      }
      return [`${source}:${name}`, contract] as const
    }),
  )
  return { asts: new Map(asts), contracts: new Map(contracts) }
}

interface SolcOutput {
  errors?: { severity: string; formattedMessage: string }[]
  sources?: Record<string, { ast: AstNode }>
  contracts?: Record<string, Record<string, SolcContract>>
}

interface SolcContract {
  abi: unknown[]
  evm: {
    bytecode: { object: string }
    deployedBytecode: {
      object: string
      immutableReferences?: Record<string, { start: number; length: number }[]>
    }
  }
}
