import { cp, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { LoadedModel, ModelSource } from '../../inference/engine.ts'
import {
  forkEngine,
  forkEngineProcess,
  type StartEngineProcess,
} from '../../inference/llama/engine-process.ts'
import { ProcessEngine } from '../../inference/llama/process-engine.ts'

/** How a machine runs its models. */
export interface Machine {
  threads: number
  /** Sequences at once. */
  slots: number
  /** Build of llama.cpp's CPU code, as `haswell`; null leaves it to llama.cpp, which takes the best for the CPU. */
  flavour: string | null
}

export const USUAL: Machine = { threads: 1, slots: 4, flavour: null }

export interface Running {
  engine: ProcessEngine
  model: LoadedModel
}

/** Engines that are kept running for what comes next: a cheat's and its auditor's. */
const KEPT = 2

/** Runs model files, each in an engine process of its own. */
export class EngineRoom {
  readonly #flavoursFolder: string
  /** Latest last. */
  readonly #running = new Map<string, Running>()

  constructor(options: { flavoursFolder: string }) {
    this.#flavoursFolder = options.flavoursFolder
  }

  /** @throws {EngineError} as `Engine.start` and `Engine.load` */
  async run(source: ModelSource, machine: Machine): Promise<Running> {
    const key = JSON.stringify([source.id, machine])
    const running = this.#running.get(key) ?? (await this.#start(source, machine))
    this.#running.delete(key)
    this.#running.set(key, running)
    for (const [oldest, { engine }] of [...this.#running].slice(0, -KEPT)) {
      this.#running.delete(oldest)
      await engine.stop()
    }
    return running
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const engines = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(engines.map(({ engine }) => engine.stop()))
  }

  async #start(source: ModelSource, { threads, slots, flavour }: Machine): Promise<Running> {
    const startProcess =
      flavour === null ? forkEngineProcess : await flavoured(flavour, join(this.#flavoursFolder, flavour))
    const engine = new ProcessEngine({ threads, slots, gpu: false, maxQueued: 64 }, { startProcess })
    try {
      await engine.start()
      return { engine, model: await engine.load({ id: source.id, path: source.path }) }
    } catch (error) {
      await engine.stop()
      throw error
    }
  }
}

const PREFIX = 'libggml-cpu-'

/** Builds of the CPU code that come with the bindings on this platform; none where there is only one. */
export async function flavours(): Promise<string[]> {
  const folder = await binariesFolder()
  if (folder === null) return []
  const files = await readdir(join(folder, 'bins', PLATFORM))
  return files.filter(file => file.startsWith(PREFIX)).map(file => file.slice(PREFIX.length).split('.')[0]!)
}

const PLATFORM = `${process.platform}-${process.arch}`

/** The package of this platform's binaries; null where there is none. */
async function binariesFolder(): Promise<string | null> {
  try {
    const entry = createRequire(import.meta.resolve('node-llama-cpp')).resolve(`@node-llama-cpp/${PLATFORM}`)
    return join(dirname(entry), '..')
  } catch {
    return null
  }
}

/** llama.cpp takes the best build that lies beside it: a copy of the package has only the one that is wanted. */
async function flavoured(flavour: string, to: string): Promise<StartEngineProcess> {
  const from = await binariesFolder()
  if (from === null) throw new Error('there are no builds to choose from on this platform')
  const isOther = (file: string) =>
    basename(file).startsWith(PREFIX) && !basename(file).startsWith(`${PREFIX}${flavour}.`)
  await cp(from, to, { recursive: true, filter: file => !isOther(file) })
  const hook = `import { registerHooks } from 'node:module'
registerHooks({
  resolve: (name, context, next) =>
    name === ${JSON.stringify(`@node-llama-cpp/${PLATFORM}`)}
      ? { url: ${JSON.stringify(pathToFileURL(join(to, 'dist', 'index.js')).href)}, shortCircuit: true }
      : next(name, context),
})`
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  return listeners => forkEngine(listeners, flags)
}
