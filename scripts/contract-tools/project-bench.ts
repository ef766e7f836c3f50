import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CompiledContract } from './compiler.ts'
import { type Mutant, mutate } from './mutants.ts'
import type { Bench } from './mutation.ts'
import type { CompileAnswer, CompileRequest, CompilerData } from './mutation-compiler.ts'
import { ProjectCopy } from './project-copy.ts'

const TIMEOUT_MS = 180_000

/** Some tests that run in one process. */
interface Step {
  command: string[]
  /** In this order. */
  files: string[]
  /** Found in what it prints when tests failed, and not when it could not run at all. */
  failed: RegExp
  /** Whether the sources must have the mutant, and not only the compiled module. */
  needsSource: boolean
}

/** A thread with the compiler and a copy of the project. */
export class ProjectBench implements Bench {
  readonly #data: CompilerData
  readonly #compiler: Worker
  readonly #copy: ProjectCopy
  #steps: readonly Step[]

  private constructor(data: CompilerData, copy: ProjectCopy, steps: readonly Step[]) {
    this.#data = data
    this.#compiler = new Worker(new URL('./mutation-compiler.ts', import.meta.url), {
      workerData: data,
    })
    this.#copy = copy
    this.#steps = steps
  }

  static async create(data: CompilerData, steps: readonly Step[] = []): Promise<ProjectBench> {
    const copy = await ProjectCopy.create(data.root)
    // Otherwise each mutant is compiled twice, with its contracts and with its tests.
    await copy.patch('hardhat.config.ts', 'splitTestsCompilation: true', 'splitTestsCompilation: false')
    return new ProjectBench(data, copy, steps)
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
      (await readdir(join(this.#data.root, folder)).catch(() => []))
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
    const steps = [mochaStep(timed.map(({ file }) => file))]
    const solidity = await matching('test/contracts/solidity', '.t.sol')
    if (solidity.length > 0) {
      steps.push(solidityStep(solidity))
      await this.#mustPass(steps.at(-1)!)
    }
    this.#steps = steps
    for (const { files } of steps) console.error(`tests: ${files.join(' ')}`)
    return steps
  }

  async test(mutant: Mutant, compiled: CompiledContract): Promise<string | undefined> {
    await this.#serve(compiled)
    for (const step of this.#steps) {
      const failure = await this.#failure(step, mutant)
      if (failure !== undefined) return failure
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#compiler.terminate()
    await this.#copy.remove()
  }

  async #mustPass(step: Step): Promise<void> {
    const { code, output } = await this.#run(step)
    if (code !== 0) throw new Error(`the tests fail without any mutant: ${step.files.join(' ')}\n${output}`)
  }

  async #failure(step: Step, mutant: Mutant): Promise<string | undefined> {
    const original = await this.#copy.read(mutant.file)
    if (step.needsSource) {
      await this.#copy.write(mutant.file, mutate(original, mutant))
    }
    try {
      const { code, output, timedOut } = await this.#run(step, mutant.file)
      if (code === 0) return undefined
      if (timedOut || step.failed.test(output)) return firstFailure(output)
      const place = `${mutant.file}:${mutant.line} ${mutant.operator}`
      throw new Error(`${step.files.join(' ')} could not run with ${place}\n${output}`)
    } finally {
      if (step.needsSource) await this.#copy.write(mutant.file, original)
    }
  }

  /** Runs first the test files that are named like the mutated one: they are the likeliest to fail. */
  #run({ command, files }: Step, mutated = '') {
    const like = (file: string) => basename(file).slice(0, 5).toLowerCase()
    const likely = files.filter(file => like(file) === like(mutated))
    const args = [...command, ...likely, ...files.filter(file => !likely.includes(file))]
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
    command: ['node_modules/mocha/bin/mocha.js', '--no-color', '--bail'],
    files,
    failed: /^\d+ passed, [1-9]\d* failed/m,
    needsSource: false,
  }
}

function solidityStep(files: string[]): Step {
  return {
    command: ['node_modules/hardhat/dist/src/cli.js', 'test', 'solidity', '--test-profile', 'quick'],
    files,
    failed: /^ *[1-9]\d* failing/m,
    needsSource: true,
  }
}

/** The first failing test that a report names. */
function firstFailure(output: string): string {
  return /^ *1\) (.+)$/m.exec(output)?.[1] ?? 'the time limit'
}

/** `AuditAnchor` as files are named. */
export function kebab(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()
}
