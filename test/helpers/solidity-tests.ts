import { stripVTControlCharacters } from 'node:util'
import type { SuiteResult, TestResult } from '@nomicfoundation/edr'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import type { Result } from 'hardhat/types/utils'
import config from '../../hardhat.config.ts'

/** What became of one Solidity test. */
export interface SolidityTestResult {
  contract: string
  /** The file it stands in, from the project's root. */
  source: string
  /** The test's signature, and how often a fuzz test or invariant ran. */
  title: string
  status: 'passed' | 'failed' | 'skipped'
  /** Why it failed, with the inputs that made it; empty when it did not. */
  failure: string
}

/**
 * Compiles and runs the Solidity tests of a project without a word on the console.
 * @param root the folder with the project's `contracts` and `test`
 * @param profile of `hardhat.config.ts`
 * @param files which tests; all when empty
 * @returns the results, and what the runner printed
 * @throws {Error} with what the runner printed, when the sources do not compile or the runner itself failed
 */
export async function runSolidityTests(
  root: string,
  profile: string,
  files: readonly string[] = [],
): Promise<{ results: SolidityTestResult[]; output: string }> {
  const { NODE_ENV } = process.env
  const console = captureConsole()
  try {
    const hre = await createHardhatRuntimeEnvironment(config, {}, root)
    const task = hre.tasks.getTask(['test', 'solidity'])
    const outcome: Outcome = await task.run({ testFiles: [...files], testProfile: profile })
    const run = outcome.success ? outcome.value : outcome.error
    const results = run.suiteResults.flatMap(suite => suite.testResults.map(test => resultOf(suite, test)))
    // The runner also gives up on its own, for instance on a malformed setting in a test's comments.
    if (!outcome.success && results.every(({ status }) => status !== 'failed'))
      throw new Error('the runner failed')
    return { results, output: console.text() }
  } catch (error) {
    throw new Error(`Solidity tests did not run: ${(error as Error).message}\n${console.text()}`, {
      cause: error,
    })
  } finally {
    console.restore()
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
  }
}

interface Run {
  suiteResults: SuiteResult[]
}
type Outcome = Result<Run, Run>

function resultOf({ id }: SuiteResult, test: TestResult): SolidityTestResult {
  const runs = 'runs' in test.kind ? ` (${test.kind.runs} runs)` : ''
  const status = ({ Success: 'passed', Failure: 'failed', Skipped: 'skipped' } as const)[test.status]
  return {
    contract: id.name,
    source: withoutRoot(id.source),
    title: `${test.name}${runs}`,
    status,
    failure: status === 'failed' ? failureOf(test) : '',
  }
}

function failureOf(test: TestResult): string {
  const lines = [test.reason ?? 'reverted without a reason']
  const trace = test.stackTrace()
  if (trace?.kind === 'StackTrace') {
    for (const { sourceReference } of trace.entries.toReversed() as TraceEntry[]) {
      if (sourceReference === undefined) continue
      const { contract, function: name, sourceName, line } = sourceReference
      lines.push(`  at ${[contract, name].filter(Boolean).join('.')} (${withoutRoot(sourceName)}:${line})`)
    }
  }
  const { counterexample } = test
  if (counterexample !== undefined && counterexample !== null) {
    const calls = 'sequence' in counterexample ? counterexample.sequence : [counterexample]
    for (const { sender, contractName, signature, args, calldata } of calls) {
      const by = sender === undefined ? '' : `${hex(sender)} calls `
      const callee = contractName === undefined ? '' : `${withoutRoot(contractName)}.`
      const inputs = args === undefined ? hex(calldata) : stripVTControlCharacters(args)
      lines.push(`  counterexample: ${by}${callee}${signature ?? test.name} with ${inputs}`)
    }
  }
  for (const line of test.decodedLogs) lines.push(`  log: ${line}`)
  return lines.join('\n')
}

interface TraceEntry {
  sourceReference?: { contract?: string; function?: string; sourceName: string; line: number }
}

/** Hardhat names a project's own sources `project/...`. */
function withoutRoot(source: string): string {
  return source.replace(/^project\//, '')
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** Keeps what is written to the console until `restore`. */
function captureConsole() {
  const chunks: string[] = []
  const streams = [process.stdout, process.stderr]
  const originals = streams.map(stream => stream.write)
  for (const stream of streams) {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
      const done = rest.at(-1)
      if (typeof done === 'function') done()
      return true
    }
  }
  return {
    text: () => chunks.join(''),
    restore: () => {
      streams.forEach((stream, index) => {
        stream.write = originals[index]!
      })
    },
  }
}
