import { setTimeout as setTimeoutAsync } from 'node:timers/promises'
import { type ErrorDetails, isShoalError } from '../../protocol/errors.ts'
import {
  type BackendDescription,
  type Embedding,
  type EmbedRequest,
  type Engine,
  EngineError,
  type EngineStatus,
  type GenerateOptions,
  type GenerateRequest,
  type Generation,
  type LoadedModel,
  type LossRequest,
  type MeasuredLoss,
  type ModelSource,
  type ScoredOutput,
  type ScoreRequest,
} from '../engine.ts'
import type { EngineLog } from './engine-log.ts'
import {
  type EngineProcess,
  type EngineProcessExit,
  forkEngineProcess,
  type StartEngineProcess,
} from './engine-process.ts'
import {
  type FromEngine,
  fromFailure,
  ipcLossRequest,
  ipcRequest,
  ipcSource,
  type ToEngine,
} from './ipc-messages.ts'
import { DEFAULT_MAX_QUEUED, type LlamaOptions } from './llama-options.ts'
import { RemoteGeneration } from './remote-generation.ts'
import { RestartBackoff } from './restart-backoff.ts'
import { SharedLoads } from './shared-loads.ts'
import { busy } from './slot-pool.ts'
import { Watchdog } from './watchdog.ts'

export interface ProcessEngineOptions extends LlamaOptions {
  /** The engine process must say so often that it lives. */
  pingIntervalMs?: number
  /** One that does not answer for so long is ended and started anew. */
  pingTimeoutMs?: number
  /** So is one that has work and computes nothing for so long; a batch of a large model takes a while. */
  stallTimeoutMs?: number
}

export interface ProcessEngineModules {
  log?: EngineLog
  startProcess?: StartEngineProcess
  nowMs?: () => number
}

const DEFAULT_PING_INTERVAL_MS = 1_000
const DEFAULT_PING_TIMEOUT_MS = 15_000
const DEFAULT_STALL_TIMEOUT_MS = 180_000
/** Finding a GPU and loading its driver can be slow. */
const START_TIMEOUT_MS = 60_000
/** Deaths of the engine process that one generation or call survives. */
const MAX_CRASHES = 3
const STOP_TIMEOUT_MS = 5_000

/** Something asked of the engine process that has one answer. */
interface Call {
  message: Extract<ToEngine, { type: 'load' | 'unload' | 'embed' | 'countTokens' | 'score' | 'measureLoss' }>
  crashes: number
  resolve: (answer: FromEngine) => void
  reject: (error: EngineError) => void
}

interface HeldModel {
  source: ModelSource
  description: LoadedModel
  /** Generations that run or wait on it. */
  outstanding: number
  /** Outputs that are checked on it and measurements of its loss, or those that wait. */
  audits: number
}

/**
 * The llama.cpp engine in a process of its own. When that process dies or hangs it is started anew,
 * loads its models again and goes on with what ran: a consumer notices a pause, nothing else. Work
 * that outlives `MAX_CRASHES` deaths is given up, since it may be what causes them.
 */
export class ProcessEngine implements Engine {
  readonly #options: ProcessEngineOptions
  readonly #log: EngineLog
  readonly #startProcess: StartEngineProcess
  readonly #nowMs: () => number
  readonly #models = new Map<string, HeldModel>()
  readonly #loads = new SharedLoads<LoadedModel>()
  readonly #generations = new Map<number, RemoteGeneration>()
  readonly #calls = new Map<number, Call>()
  readonly #listeners = new Set<(status: EngineStatus) => void>()
  readonly #backoff = new RestartBackoff()
  #state: EngineStatus['state'] = 'stopped'
  #starting: Promise<void> | null = null
  #process: EngineProcess | null = null
  #backend: BackendDescription | null = null
  /** Resolves or rejects the wait for the process to be ready. */
  #readiness: PromiseWithResolvers<BackendDescription> | null = null
  #stopping = new AbortController()
  #watched: { watchdog: Watchdog; timer: NodeJS.Timeout } | null = null
  #lastId = 0
  #crashes = 0
  #computedTokens = 0
  /** What earlier processes computed. */
  #computedBefore = 0
  #isNotifying = false

  constructor(options: ProcessEngineOptions = {}, modules: ProcessEngineModules = {}) {
    this.#options = options
    this.#log = modules.log ?? (() => {})
    this.#startProcess = modules.startProcess ?? forkEngineProcess
    this.#nowMs = modules.nowMs ?? (() => performance.now())
  }

  /** Process id of the engine process; null while there is none. */
  get processId(): number | null {
    return this.#process?.pid ?? null
  }

  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async stop(): Promise<void> {
    if (this.#starting === null) return
    this.#starting = null
    this.#setState('stopped')
    this.#stopping.abort()
    const stopped = () => new EngineError('CANCELLED', 'the engine was stopped')
    for (const generation of [...this.#generations.values()]) generation.fail(stopped())
    this.#generations.clear()
    for (const call of this.#calls.values()) call.reject(stopped())
    this.#calls.clear()
    this.#models.clear()
    this.#unwatch()
    const process = this.#process
    this.#process = null
    this.#readiness?.reject(stopped())
    if (process === null) return
    // Freeing native memory in order can crash; the operating system frees it all.
    process.kill()
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>(resolve => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS)
    })
    await Promise.race([process.exited, timeout])
    clearTimeout(timer)
  }

  async load(source: ModelSource, options: { signal?: AbortSignal } = {}): Promise<LoadedModel> {
    const held = this.#models.get(source.id)
    if (held !== undefined) return held.description
    return this.#loads.run(source.id, options.signal, signal => this.#load(source, signal))
  }

  async unload(modelId: string): Promise<void> {
    if (!this.#models.delete(modelId)) return
    this.#notify()
    await this.#call({ type: 'unload', call: this.#nextId(), model: modelId })
  }

  generate(request: GenerateRequest, options: GenerateOptions = {}): Generation {
    return new RemoteGeneration(
      { id: this.#nextId(), request, generate: options },
      {
        link: {
          open: generation => this.#open(generation),
          send: message => this.#sendIfReady(message),
          close: generation => this.#close(generation),
        },
      },
    )
  }

  async embed(request: EmbedRequest, options: { signal?: AbortSignal } = {}): Promise<Embedding> {
    this.#find(request.model)
    const inputs = [...request.inputs]
    const answer = await this.#call(
      { type: 'embed', call: this.#nextId(), model: request.model, inputs },
      options.signal,
    )
    if (answer.type !== 'embedded') throw unexpected(answer)
    return { vectors: answer.vectors, inputTokens: answer.inputTokens }
  }

  async countTokens(
    request: EmbedRequest,
    options: { signal?: AbortSignal } = {},
  ): Promise<readonly number[]> {
    this.#find(request.model)
    const inputs = [...request.inputs]
    const call = this.#nextId()
    const answer = await this.#call(
      { type: 'countTokens', call, model: request.model, inputs },
      options.signal,
    )
    if (answer.type !== 'counted') throw unexpected(answer)
    return answer.tokens
  }

  async score(request: ScoreRequest, options: { signal?: AbortSignal } = {}): Promise<ScoredOutput> {
    const call = this.#nextId()
    const asked = { ...ipcRequest(request), output: [...request.output] }
    const answer = await this.#audit({ type: 'score', call, request: asked }, request.model, options.signal)
    if (answer.type !== 'scored') throw unexpected(answer)
    return answer.output
  }

  async measureLoss(request: LossRequest, options: { signal?: AbortSignal } = {}): Promise<MeasuredLoss> {
    const call = this.#nextId()
    const asked = ipcLossRequest(request)
    const answer = await this.#audit(
      { type: 'measureLoss', call, request: asked },
      request.model,
      options.signal,
    )
    if (answer.type !== 'measured') throw unexpected(answer)
    return answer.output
  }

  status(): EngineStatus {
    const held = [...this.#models.values()]
    const sum = (of: (model: HeldModel) => number) => held.reduce((total, model) => total + of(model), 0)
    const slots = (model: HeldModel) => model.description.slots
    const taken = ({ outstanding, audits }: HeldModel) => outstanding + audits
    return {
      state: this.#state,
      backend: this.#backend,
      models: held.map(model => model.description),
      active: sum(model => Math.min(taken(model), slots(model))),
      queued: sum(model => Math.max(model.outstanding - slots(model), 0)),
      freeSlots: this.#state === 'ready' ? sum(model => Math.max(slots(model) - taken(model), 0)) : 0,
      crashes: this.#crashes,
      computedTokens: this.#computedBefore + this.#computedTokens,
    }
  }

  onStatus(listener: (status: EngineStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #audit(
    message: Call['message'],
    model: string,
    signal: AbortSignal | undefined,
  ): Promise<FromEngine> {
    const held = this.#find(model)
    held.audits += 1
    this.#notify()
    try {
      return await this.#call(message, signal)
    } finally {
      held.audits -= 1
      this.#notify()
    }
  }

  async #start(): Promise<void> {
    const stopping = new AbortController()
    this.#stopping = stopping
    this.#crashes = 0
    this.#computedBefore = 0
    this.#setState('starting')
    try {
      await this.#launch()
      this.#setState('ready')
    } catch (error) {
      // Unless it was stopped, and maybe started again, meanwhile.
      if (!stopping.signal.aborted) {
        this.#starting = null
        this.#setState('stopped')
      }
      throw error
    }
  }

  /**
   * Starts a process and waits until its engine is open. However it fails, the process ends and
   * `#ended` is told.
   * @throws {EngineError} ENGINE_UNAVAILABLE, CANCELLED
   */
  async #launch(): Promise<void> {
    const startedMs = this.#nowMs()
    const process = this.#startProcess({
      onMessage: message => {
        if (process === this.#process) this.#receive(message)
      },
      onOutput: line => this.#log('debug', line),
    })
    this.#process = process
    const readiness = Promise.withResolvers<BackendDescription>()
    this.#readiness = readiness
    void process.exited.then(exit => {
      readiness.reject(unavailable(exit))
      this.#ended(process, exit, this.#nowMs() - startedMs)
    })
    const timer = setTimeout(() => process.kill(), START_TIMEOUT_MS)
    try {
      process.send({ type: 'start', options: workerOptions(this.#options) })
      this.#backend = await readiness.promise
      this.#watch(process)
    } catch (error) {
      process.kill()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** A process has ended: unless that was wanted, what it ran is kept for the next one. */
  #ended(process: EngineProcess, exit: EngineProcessExit, livedMs: number): void {
    if (process !== this.#process) return
    this.#process = null
    this.#unwatch()
    this.#computedBefore += this.#computedTokens
    this.#computedTokens = 0
    if (this.#state === 'starting') return
    this.#crashes += 1
    this.#log('error', `the engine process died (${exit.how}) and is started again`)
    this.#setState('restarting')
    for (const [id, call] of this.#calls) this.#callCrashed(id, call, exit)
    for (const generation of [...this.#generations.values()]) {
      generation.crashes += 1
      if (generation.crashes > MAX_CRASHES) generation.fail(crashed(exit))
    }
    void this.#restart(livedMs, this.#stopping.signal)
  }

  #callCrashed(id: number, call: Call, exit: EngineProcessExit): void {
    call.crashes += 1
    // A file that kills the process while it is loaded would do so again.
    if (call.message.type === 'load' || call.crashes > MAX_CRASHES) {
      this.#calls.delete(id)
      call.reject(crashed(exit))
    } else if (call.message.type === 'unload') {
      this.#calls.delete(id)
      call.resolve({ type: 'unloaded', call: id })
    }
  }

  /** Starts the next process and hands it the models and the work of the last; if that fails, `#ended` tries again. */
  async #restart(livedMs: number, stopping: AbortSignal): Promise<void> {
    await sleep(this.#backoff.nextDelayMs(livedMs), stopping)
    if (stopping.aborted) return
    try {
      await this.#launch()
      await this.#reload()
    } catch (error) {
      if (!stopping.aborted) this.#log('error', `the engine did not come back: ${messageOf(error)}`)
      return
    }
    if (stopping.aborted) return
    this.#setState('ready')
    for (const call of this.#calls.values()) this.#sendIfReady(call.message)
    for (const generation of this.#generations.values()) this.#sendIfReady(generation.toMessage())
  }

  /** Loads the models again. One that cannot be loaded any more is dropped; rejects when the process dies. */
  async #reload(): Promise<void> {
    for (const [id, held] of [...this.#models]) {
      const message = { type: 'load', call: this.#nextId(), source: ipcSource(held.source) } as const
      const answered = this.#expect(message)
      this.#process?.send(message)
      try {
        const answer = await answered
        if (answer.type === 'loaded') held.description = answer.model
      } catch (error) {
        if (isShoalError(error, 'ENGINE_CRASHED', 'CANCELLED')) throw error
        this.#log('error', `${id} could not be loaded again: ${messageOf(error)}`)
        this.#models.delete(id)
      }
    }
  }

  #receive(message: FromEngine): void {
    switch (message.type) {
      case 'ready':
        this.#readiness?.resolve(message.backend)
        return
      case 'unavailable':
        this.#readiness?.reject(fromFailure(message.failure))
        return
      case 'events':
        this.#computedTokens = message.computedTokens
        for (const { generation, event } of message.items) this.#generations.get(generation)?.receive(event)
        return
      case 'pong':
        this.#computedTokens = message.computedTokens
        this.#watched?.watchdog.answered(message, this.#nowMs())
        return
      case 'log':
        this.#log(message.level, message.message)
        return
      case 'loaded':
      case 'unloaded':
      case 'embedded':
      case 'counted':
      case 'scored':
      case 'measured':
      case 'refused': {
        if (message.type === 'scored' || message.type === 'measured')
          this.#computedTokens = message.computedTokens
        const call = this.#calls.get(message.call)
        this.#calls.delete(message.call)
        if (message.type === 'refused') call?.reject(fromFailure(message.failure))
        else call?.resolve(message)
      }
    }
  }

  async #load(source: ModelSource, signal: AbortSignal): Promise<LoadedModel> {
    const answer = await this.#call({ type: 'load', call: this.#nextId(), source: ipcSource(source) }, signal)
    if (answer.type !== 'loaded') throw unexpected(answer)
    this.#models.set(source.id, { source, description: answer.model, outstanding: 0, audits: 0 })
    this.#notify()
    return answer.model
  }

  /** Asks the engine process once it is ready. */
  async #call(message: Call['message'], signal?: AbortSignal): Promise<FromEngine> {
    if (this.#starting === null) throw notRunning()
    if (signal?.aborted === true) throw new EngineError('CANCELLED', 'the call was cancelled')
    const answered = this.#expect(message)
    const abort = () => {
      this.#calls.get(message.call)?.reject(new EngineError('CANCELLED', 'the call was cancelled'))
      this.#calls.delete(message.call)
      this.#sendIfReady({ type: 'abort', call: message.call })
    }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      this.#sendIfReady(message)
      return await answered
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  #expect(message: Call['message']): Promise<FromEngine> {
    const { promise, resolve, reject } = Promise.withResolvers<FromEngine>()
    this.#calls.set(message.call, { message, crashes: 0, resolve, reject })
    return promise
  }

  #open(generation: RemoteGeneration): void {
    const held = this.#find(generation.request.model)
    const capacity = held.description.slots + (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)
    if (held.outstanding >= capacity)
      throw busy(held.description.slots, held.outstanding - held.description.slots)
    held.outstanding += 1
    this.#generations.set(generation.id, generation)
    this.#sendIfReady(generation.toMessage())
    this.#notify()
  }

  #close(generation: RemoteGeneration): void {
    if (!this.#generations.delete(generation.id)) return
    const held = this.#models.get(generation.request.model)
    if (held !== undefined) held.outstanding -= 1
    this.#notify()
  }

  #find(modelId: string): HeldModel {
    if (this.#starting === null) throw notRunning()
    const held = this.#models.get(modelId)
    if (held === undefined) throw notLoaded(modelId)
    return held
  }

  #sendIfReady(message: ToEngine): void {
    if (this.#state === 'ready') this.#process?.send(message)
  }

  #watch(process: EngineProcess): void {
    const pingIntervalMs = this.#options.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS
    const watchdog = new Watchdog(
      {
        pingIntervalMs,
        pingTimeoutMs: this.#options.pingTimeoutMs ?? DEFAULT_PING_TIMEOUT_MS,
        stallTimeoutMs: this.#options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS,
      },
      this.#nowMs(),
    )
    const check = () => {
      const verdict = watchdog.check(this.#nowMs())
      if (verdict.kind === 'ping') process.send({ type: 'ping', ping: verdict.ping })
      if (verdict.kind !== 'hung') return
      this.#log('error', `the engine process hangs (${verdict.reason}) and is ended`)
      process.kill()
    }
    this.#watched = { watchdog, timer: setInterval(check, pingIntervalMs / 2) }
  }

  #unwatch(): void {
    clearInterval(this.#watched?.timer)
    this.#watched = null
  }

  #nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  #setState(state: EngineStatus['state']): void {
    this.#state = state
    this.#notify()
  }

  /** Tells listeners once for all changes of a turn of the event loop. */
  #notify(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return
    this.#isNotifying = true
    setImmediate(() => {
      this.#isNotifying = false
      const status = this.status()
      for (const listener of this.#listeners) listener(status)
    })
  }
}

function workerOptions(options: ProcessEngineOptions): LlamaOptions {
  const { pingIntervalMs: _, pingTimeoutMs: __, stallTimeoutMs: ___, ...rest } = options
  return rest
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
async function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  await setTimeoutAsync(delayMs, undefined, { signal }).catch(() => {})
}

const notRunning = () =>
  new EngineError('ENGINE_UNAVAILABLE', 'the engine is not running', { fix: 'Start the engine first.' })

const notLoaded = (model: string) =>
  new EngineError('MODEL_NOT_LOADED', `${model} is not loaded`, {
    fix: 'Load the model first.',
    details: { model },
  })

const unexpected = (answer: FromEngine) => new Error(`the engine process answered with ${answer.type}`)

const outputOf = (exit: EngineProcessExit): ErrorDetails =>
  exit.lastOutput === '' ? {} : { lastOutput: exit.lastOutput }

const unavailable = (exit: EngineProcessExit) =>
  new EngineError('ENGINE_UNAVAILABLE', `the engine process ended before it was ready (${exit.how})`, {
    fix: 'Reinstall the dependencies on this machine (npm install) and see that it has free memory.',
    details: outputOf(exit),
  })

const crashed = (exit: EngineProcessExit) =>
  new EngineError('ENGINE_CRASHED', `the engine process died (${exit.how})`, {
    fix: 'Check the model file and the free memory; ask again for the task.',
    details: outputOf(exit),
  })
