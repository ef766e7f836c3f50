import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import config from '../hardhat.config.ts'
import { type CompiledContract, compile, projectSources, type Settings } from './contract-tools/compiler.ts'
import { diffOf, importedBy, type Mutant, mutantsOf } from './contract-tools/mutants.ts'
import {
  type Bench,
  countFates,
  type Outcome,
  sampleOf,
  scoreOf,
  testMutants,
} from './contract-tools/mutation.ts'
import type { CompileAnswer, CompileRequest, CompilerData } from './contract-tools/mutation-compiler.ts'
import { ProjectCopy } from './contract-tools/project-copy.ts'

/**
 * Asks whether the tests notice small faults: makes mutants of a contract and of all it is made of, and runs the
 * tests of that contract against each, the fastest first, until one fails.
 */
const USAGE = `node scripts/mutate-contracts.ts [options]
  --contract NAME   of contracts/core; Settlement unless told
  --only TEXT       only files whose path has this in it
  --tests PATTERN   regular expression of the names of test files, TypeScript and Solidity
  --sample N        only so many mutants, chosen by --seed (1 unless told)
  --jobs N          how many at a time; 2 unless told
  --json            the outcome of every mutant
Exits with 1 when fewer than 90 % of the mutants are killed.`
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REQUIRED_SCORE = 0.9
const TESTS: Record<string, string> = {
  Settlement: '^(settlement|balances|channels|tickets?|vouchers?|signatures|deposit-?pause)',
}
/** Files faster than this share one process. */
const FAST_MS = 4_000
const TIMEOUT_MS = 180_000

if (import.meta.main) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  process.exitCode = await main()
}

/** Some tests that run in one process. */
interface Step {
  name: string
  /** For Node, in the copy. */
  args: string[]
  /** Found in what it prints when tests failed, and not when it could not run at all. */
  failed: RegExp
  /** Whether the sources must have the mutant, and not only the compiled module. */
  needsSource: boolean
}

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      contract: { type: 'string', default: 'Settlement' },
      only: { type: 'string', default: '' },
      tests: { type: 'string' },
      sample: { type: 'string' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (options.help) {
    console.log(USAGE)
    return 0
  }
  const { contract: name } = options
  const source = `contracts/core/${name}.sol`
  const { settings } = config.solidity as { settings: Settings }
  const sources = projectSources(ROOT)
  const { asts } = compile(sources, [source], settings, 'ast')
  const files = [...importedBy(source, asts)].filter(
    file =>
      file.startsWith('contracts/') &&
      !file.startsWith('contracts/interfaces/') &&
      file.includes(options.only),
  )
  const all = files.flatMap(file => mutantsOf(file, sources.read(file), asts.get(file)!))
  const mutants =
    options.sample === undefined ? all : sampleOf(all, Number(options.sample), Number(options.seed))
  console.error(`${mutants.length} mutants of ${files.length} files`)

  const pattern = new RegExp(options.tests ?? TESTS[name] ?? `^${kebab(name)}`, 'i')
  const data: CompilerData = { root: ROOT, contract: `${source}:${name}`, settings }
  const benches: ProjectBench[] = []
  try {
    const first = await ProjectBench.create(data)
    benches.push(first)
    const steps = await first.findSteps(pattern)
    while (benches.length < Number(options.jobs)) benches.push(await ProjectBench.create(data, steps))
    const started = Date.now()
    const outcomes = await testMutants(mutants, benches, ({ mutant, fate, by }, done) => {
      const minutes = ((Date.now() - started) / 60_000).toFixed(1)
      const place = `${mutant.file}:${mutant.line} ${mutant.operator}`
      console.error(
        `${done}/${mutants.length} ${minutes} min ${fate} ${place}${by === '' ? '' : ` by ${by}`}`,
      )
    })
    console.log(
      options.json ? JSON.stringify(jsonOf(outcomes), null, 2) : report(outcomes, file => sources.read(file)),
    )
    return scoreOf(outcomes) < REQUIRED_SCORE ? 1 : 0
  } finally {
    await Promise.all(benches.map(bench => bench.close()))
  }
}

/** A thread with the compiler and a copy of the project. */
class ProjectBench implements Bench {
  readonly #data: CompilerData
  readonly #compiler: Worker
  readonly #copy: ProjectCopy
  #steps: readonly Step[]

  private constructor(data: CompilerData, copy: ProjectCopy, steps: readonly Step[]) {
    this.#data = data
    this.#compiler = new Worker(new URL('./contract-tools/mutation-compiler.ts', import.meta.url), {
      workerData: data,
    })
    this.#copy = copy
    this.#steps = steps
  }

  static async create(data: CompilerData, steps: readonly Step[] = []): Promise<ProjectBench> {
    return new ProjectBench(data, await ProjectCopy.create(ROOT), steps)
  }

  compile(mutant: Mutant | undefined): Promise<CompiledContract | undefined> {
    return new Promise((resolve, reject) => {
      this.#compiler.once('error', reject)
      this.#compiler.once('message', ({ compiled }: CompileAnswer) => {
        this.#compiler.off('error', reject)
        resolve(compiled)
      })
      this.#compiler.postMessage({ mutant } satisfies CompileRequest)
    })
  }

  /**
   * Runs the tests on the original: all must pass.
   * @returns the tests as steps, the fast ones first
   */
  async findSteps(pattern: RegExp): Promise<readonly Step[]> {
    const original = (await this.compile(undefined))!
    await this.#serve(original)
    const matching = async (folder: string, end: string) =>
      (await readdir(join(ROOT, folder)).catch(() => []))
        .filter(name => name.endsWith(end) && pattern.test(name))
        .map(name => join(folder, name))
    const typeScript = await matching('test/contracts', '.test.ts')
    if (typeScript.length === 0) throw new Error(`no test in test/contracts is named like ${pattern}`)
    const timed = []
    for (const file of typeScript) {
      const started = Date.now()
      await this.#mustPass(mochaStep([file]))
      timed.push({ file, ms: Date.now() - started })
    }
    timed.sort((a, b) => a.ms - b.ms)
    const fast = timed.filter(({ ms }) => ms < FAST_MS).map(({ file }) => file)
    const slow = timed.filter(({ ms }) => ms >= FAST_MS).map(({ file }) => [file])
    const steps = [fast, ...slow].filter(group => group.length > 0).map(mochaStep)
    const solidity = await matching('test/contracts/solidity', '.t.sol')
    if (solidity.length > 0) {
      steps.push(solidityStep(solidity))
      await this.#mustPass(steps.at(-1)!)
    }
    this.#steps = steps
    console.error(steps.map(({ name }, index) => `step ${index + 1}: ${name}`).join('\n'))
    return steps
  }

  async test(mutant: Mutant, compiled: CompiledContract): Promise<string | undefined> {
    await this.#serve(compiled)
    for (const step of this.#steps) {
      if (await this.#fails(step, mutant)) return step.name
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#compiler.terminate()
    await this.#copy.remove()
  }

  async #mustPass(step: Step): Promise<void> {
    const { code, output } = await this.#run(step)
    if (code !== 0) throw new Error(`the tests fail without any mutant: ${step.name}\n${output}`)
  }

  async #fails(step: Step, mutant: Mutant): Promise<boolean> {
    const original = await this.#copy.read(mutant.file)
    if (step.needsSource) {
      const bytes = Buffer.from(original)
      const [before, after] = [bytes.subarray(0, mutant.start), bytes.subarray(mutant.end)]
      await this.#copy.write(mutant.file, `${before}${mutant.replacement}${after}`)
    }
    try {
      const { code, output, timedOut } = await this.#run(step)
      if (code === 0) return false
      if (timedOut || step.failed.test(output)) return true
      throw new Error(
        `${step.name} could not run with ${mutant.file}:${mutant.line} ${mutant.operator}\n${output}`,
      )
    } finally {
      if (step.needsSource) await this.#copy.write(mutant.file, original)
    }
  }

  #run({ args }: Step) {
    const env = { NODE_COMPILE_CACHE: join(this.#copy.root, 'cache', 'node') }
    return this.#copy.node(args, { timeoutMs: TIMEOUT_MS, env })
  }

  /** Puts compiled code where the TypeScript tests take the contract from. */
  async #serve({ bytecode, runtimeBytecode, immutables }: CompiledContract): Promise<void> {
    const name = this.#data.contract.split(':')[1]!
    const path = `node/chain/abi/bytecode/${kebab(name)}.ts`
    const variable = name[0]!.toLowerCase() + name.slice(1)
    immutables.sort((a, b) => a.start - b.start)
    await this.#copy.write(
      path,
      `export const ${variable}Bytecode = '0x${bytecode}'\n` +
        `export const ${variable}RuntimeBytecode = '0x${runtimeBytecode}'\n` +
        `export const ${variable}Immutables = ${JSON.stringify(immutables)} as const\n`,
    )
  }
}

function mochaStep(files: string[]): Step {
  return {
    name: files.join(' '),
    args: ['node_modules/mocha/bin/mocha.js', '--bail', ...files],
    failed: /^\d+ passed, [1-9]\d* failed/m,
    needsSource: false,
  }
}

function solidityStep(files: string[]): Step {
  return {
    name: files.join(' '),
    args: ['node_modules/hardhat/dist/src/cli.js', 'test', 'solidity', ...files],
    failed: /^ *[1-9]\d* failing/m,
    needsSource: true,
  }
}

function report(outcomes: readonly Outcome[], read: (file: string) => string): string {
  const survivors = outcomes.filter(({ fate }) => fate === 'survived')
  const diffs = survivors.map(
    ({ mutant }) =>
      `${mutant.file}:${mutant.line} ${mutant.operator}\n${diffOf(read(mutant.file), mutant)}\n`,
  )
  return [...diffs, summary(outcomes)].join('\n')
}

function summary(outcomes: readonly Outcome[]): string {
  const { killed, survived, invalid, equivalent, duplicate } = countFates(outcomes)
  const score = (Math.floor(scoreOf(outcomes) * 1_000) / 10).toFixed(1)
  return (
    `${killed} killed, ${survived} survived: ${score} %` +
    ` (not counted: ${invalid} do not compile, ${equivalent} change no code, ${duplicate} are like others)`
  )
}

function jsonOf(outcomes: readonly Outcome[]) {
  return { ...countFates(outcomes), score: scoreOf(outcomes), mutants: outcomes }
}

function kebab(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()
}
