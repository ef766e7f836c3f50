import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileCacheEnvironment } from '../../../inference/compile-cache.ts'
import { type DeploymentParameters, encodeParameters, networkParameters } from '../deployment-parameters.ts'
import { EmbeddedChainError } from './errors.ts'
import type { ChainInfo, ChainProcessOptions, FromChainProcess, ToChainProcess } from './ipc.ts'

export type { ChainInfo } from './ipc.ts'

export interface EmbeddedChainOptions {
  /** Where the chain lives; made when it is not there. */
  folder: string
  /** Default 31337. */
  chainId?: number
  /** Default: the one used last time if it is free, else any. */
  port?: number
  /** What a new chain's contracts are made with; what is not given is as in `parameters/local.json`. */
  deployment?: Partial<DeploymentParameters>
  /** Offers `evm_*` and `hardhat_*`. Only for tests: what they change, other than time, is not kept. Default false. */
  allowTestMethods?: boolean
  /** The chain goes on when this process ends. Default false. */
  detached?: boolean
  /** How long the chain may say nothing while it starts. Default 30,000. */
  startTimeoutMs?: number
}

export interface EmbeddedChainModules {
  /** Called while a long journal is replayed. */
  onProgress?: (replayedTransactions: number) => void
  /** Called when the chain ends without `stop()`. */
  onExit?: (error: EmbeddedChainError) => void
}

const DEFAULT_CHAIN_ID = 31337
const DEFAULT_START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 5_000
const MAX_STDERR_CHARACTERS = 4_096
/** States of old blocks EDR keeps at hand; its default, 100,000, triples what a block costs in memory. */
const MAX_CACHED_STATES = 256

/**
 * The embedded chain: Hardhat's network in a process of its own, served as JSON-RPC on loopback, with Shoal's
 * contracts. It lives in a folder and survives being stopped or killed at any moment.
 *
 * It mines a block for each transaction and none in between, so `block.timestamp` of the latest block grows old on an
 * idle chain. Calls and gas estimates see the present time all the same; whoever compares a contract's times itself,
 * such as a channel's `closesAt`, uses the later of the latest block's time and the clock's.
 */
export class EmbeddedChain {
  readonly #options: EmbeddedChainOptions
  readonly #modules: EmbeddedChainModules
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #started: Promise<ChainInfo> | undefined
  #stopped: Promise<void> | undefined

  constructor(options: EmbeddedChainOptions, modules: EmbeddedChainModules = {}) {
    this.#options = options
    this.#modules = modules
  }

  /** The chain's process; undefined when it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * Starts the chain and waits until it answers. Idempotent until `stop()`.
   * @throws {EmbeddedChainError}
   */
  start(): Promise<ChainInfo> {
    this.#started ??= this.#start(this.#stopped)
    this.#stopped = undefined
    return this.#started
  }

  /** Stops the chain, also a detached one that this object started. Idempotent; ends within 5 s. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop(this.#started)
    this.#started = undefined
    return this.#stopped
  }

  async #start(stopped: Promise<void> | undefined): Promise<ChainInfo> {
    await stopped
    const child = forkProcess(this.#options.detached ?? false)
    this.#child = child
    this.#exited = new Promise(done => child.once('exit', () => done()))
    try {
      const info = await this.#untilReady(child)
      child.once('exit', (code, signal) => this.#onExit(child, code, signal))
      if (this.#options.detached) {
        child.disconnect()
        child.unref()
      }
      return info
    } catch (error) {
      child.kill('SIGKILL')
      await this.#exited
      this.#child = undefined
      this.#started = undefined
      throw error
    }
  }

  #untilReady(child: ChildProcess): Promise<ChainInfo> {
    const timeoutMs = this.#options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS
    const stderr = lastOutput(child)
    return new Promise((ready, failed) => {
      const timer = setTimeout(() => {
        finish(() => failed(startTimeout(this.#options.folder, timeoutMs)))
      }, timeoutMs)
      const onMessage = (message: FromChainProcess) => {
        timer.refresh()
        if (message.type === 'progress') this.#modules.onProgress?.(message.replayedTransactions)
        else if (message.type === 'ready') finish(() => ready(message.info))
        else finish(() => failed(received(message.error)))
      }
      const onExit = (code: number | null, signal: string | null) => {
        finish(() => failed(crashed(this.#options.folder, code, signal, stderr())))
      }
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        settle()
      }
      child.on('message', onMessage)
      child.on('exit', onExit)
      const message: ToChainProcess = { type: 'start', options: processOptions(this.#options) }
      child.send(message, () => {})
    })
  }

  async #stop(started: Promise<ChainInfo> | undefined): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await started?.catch(() => {})
    const child = this.#child
    if (child?.connected) child.send({ type: 'stop' } satisfies ToChainProcess, () => {})
    else child?.kill('SIGTERM')
    await this.#exited
    clearTimeout(timer)
    this.#child = undefined
  }

  #onExit(child: ChildProcess, code: number | null, signal: string | null): void {
    if (this.#child !== child || this.#stopped !== undefined) return
    this.#child = undefined
    this.#started = undefined
    this.#modules.onExit?.(crashed(this.#options.folder, code, signal, ''))
  }
}

function forkProcess(detached: boolean): ChildProcess {
  // Beside this file, in the same language as this file: TypeScript in a checkout, JavaScript once built.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fork(fileURLToPath(new URL(`./process.${extension}`, import.meta.url)), [], {
    detached,
    execArgv: [],
    env: {
      ...process.env,
      ...compileCacheEnvironment(),
      __EDR_MAX_CACHED_STATES: String(MAX_CACHED_STATES),
    },
    stdio: ['ignore', 'ignore', detached ? 'ignore' : 'pipe', 'ipc'],
  })
}

function processOptions(options: EmbeddedChainOptions): ChainProcessOptions {
  return {
    folder: resolve(options.folder),
    chainId: options.chainId ?? DEFAULT_CHAIN_ID,
    port: options.port ?? 0,
    allowTestMethods: options.allowTestMethods ?? false,
    deployment: encodeParameters({ ...networkParameters('local'), ...options.deployment }),
    detached: options.detached ?? false,
  }
}

/** Keeps the end of what the process writes on stderr; it writes only when it fails. */
function lastOutput(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-MAX_STDERR_CHARACTERS)
  })
  return () => text
}

function received(error: Extract<FromChainProcess, { type: 'failed' }>['error']): EmbeddedChainError {
  const { code, message, fix, details } = error
  return new EmbeddedChainError(code, message, { ...(fix === undefined ? {} : { fix }), details })
}

function startTimeout(folder: string, timeoutMs: number): EmbeddedChainError {
  return new EmbeddedChainError(
    'CHAIN_START_TIMEOUT',
    `The chain in ${folder} showed no sign of life for ${timeoutMs} ms while starting.`,
    {
      fix: 'Start it again; on a very slow machine, with a longer start timeout.',
      details: { folder, timeoutMs },
    },
  )
}

function crashed(
  folder: string,
  code: number | null,
  signal: string | null,
  stderr: string,
): EmbeddedChainError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`
  return new EmbeddedChainError('CHAIN_CRASHED', `The chain in ${folder} ended with ${how}.`, {
    fix: 'Start it again: nothing that was confirmed is lost.',
    details: { folder, exitCode: code, signal, stderr },
  })
}
