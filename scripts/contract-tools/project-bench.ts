import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CompiledContract } from './compiler.ts'
import type { Mutant } from './mutants.ts'
import type { Bench } from './mutation.ts'
import type { CompileAnswer, CompileRequest, CompilerData } from './mutation-compiler.ts'
import { ProjectCopy } from './project-copy.ts'

/** Test files faster than this share one process. */
const FAST_MS = 4_000
const TIMEOUT_MS = 180_000

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
    return new ProjectBench(data, await ProjectCopy.create(data.root), steps)
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
    args: ['node_modules/mocha/bin/mocha.js', '--no-color', '--bail', ...files],
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

/** `AuditAnchor` as files are named. */
export function kebab(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase()
}
