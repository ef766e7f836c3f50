import { flushCompileCache } from 'node:module'
import type { GenerationEvent } from '../engine.ts'
import { EventBatcher } from './event-batcher.ts'
import type { LlamaGeneration } from './generation.ts'
import {
  type FromEngine,
  type IpcGenerationEvent,
  type ToEngine,
  toEngineSchema,
  toFailure,
} from './ipc-messages.ts'
import { LlamaWorker } from './worker.ts'

/**
 * Entry of the engine process: a `LlamaWorker` at the end of an IPC channel. It lives as long as
 * the channel: when the node is gone, so is it.
 */

/**
 * A message costs the two processes together about 0.2 ms of processor time, and a peer two more as much:
 * forty a second are enough for the eye.
 */
const BATCH_INTERVAL_MS = 25
/** Each of eight streams then has twenty messages a second, which together cost what four had. */
const BATCH_INTERVAL_PER_GENERATION_MS = 6
/** A quarter of the usual credit window: payment can keep pace with a fast stream. */
const BATCH_TOKENS = 16

type Message<Type extends ToEngine['type']> = Extract<ToEngine, { type: Type }>

class EngineChild {
  readonly #send: (message: FromEngine) => void
  readonly #batcher: EventBatcher
  readonly #generations = new Map<number, LlamaGeneration>()
  readonly #calls = new Map<number, AbortController>()
  #worker = new LlamaWorker()

  constructor(modules: { send: (message: FromEngine) => void }) {
    this.#send = modules.send
    this.#batcher = new EventBatcher(
      {
        intervalMs: BATCH_INTERVAL_MS,
        intervalPerGenerationMs: BATCH_INTERVAL_PER_GENERATION_MS,
        maxTokens: BATCH_TOKENS,
      },
      {
        send: items =>
          this.#send({ type: 'events', computedTokens: this.#worker.status().computedTokens, items }),
        nowMs: () => performance.now(),
      },
    )
  }

  async receive(message: ToEngine): Promise<void> {
    switch (message.type) {
      case 'start':
        return this.#start(message)
      case 'load':
        return this.#answer(message.call, async signal => {
          const model = await this.#worker.load(message.source, { signal })
          return { type: 'loaded', call: message.call, model }
        })
      case 'unload':
        return this.#answer(message.call, async () => {
          await this.#worker.unload(message.model)
          return { type: 'unloaded', call: message.call }
        })
      case 'embed':
        return this.#answer(message.call, async signal => {
          const embedding = await this.#worker.embed(
            { model: message.model, inputs: message.inputs },
            { signal },
          )
          return { type: 'embedded', call: message.call, ...embedding, vectors: [...embedding.vectors] }
        })
      case 'countTokens':
        return this.#answer(message.call, async signal => {
          const { call, model, inputs } = message
          const tokens = await this.#worker.countTokens({ model, inputs }, { signal })
          return { type: 'counted', call, tokens: [...tokens] }
        })
      case 'score':
        return this.#answer(message.call, async signal => {
          const output = await this.#worker.score(message.request, { signal })
          const { computedTokens } = this.#worker.status()
          return { type: 'scored', call: message.call, computedTokens, output }
        })
      case 'measureLoss':
        return this.#answer(message.call, async signal => {
          const output = await this.#worker.measureLoss(message.request, { signal })
          const { computedTokens } = this.#worker.status()
          return { type: 'measured', call: message.call, computedTokens, output }
        })
      case 'abort':
        this.#calls.get(message.call)?.abort()
        return
      case 'generate':
        return this.#generate(message)
      case 'grant':
        this.#generations.get(message.generation)?.grant(message.totalTokens)
        return
      case 'cancel':
        this.#generations.get(message.generation)?.cancel()
        return
      case 'ping':
        this.#send({
          type: 'pong',
          ping: message.ping,
          computedTokens: this.#worker.status().computedTokens,
          isComputing: this.#worker.isComputing,
        })
    }
  }

  async #start(message: Message<'start'>): Promise<void> {
    this.#worker = new LlamaWorker(message.options, {
      log: (level, text) => this.#send({ type: 'log', level, message: text }),
    })
    try {
      await this.#worker.start()
      const { backend } = this.#worker.status()
      if (backend !== null)
        this.#send({ type: 'ready', backend: { ...backend, devices: [...backend.devices] } })
      // By itself Node.js keeps what it compiled when it ends, and this process is killed.
      flushCompileCache()
    } catch (error) {
      this.#send({ type: 'unavailable', failure: toFailure(error) })
    }
  }

  async #answer(call: number, work: (signal: AbortSignal) => Promise<FromEngine>): Promise<void> {
    const controller = new AbortController()
    this.#calls.set(call, controller)
    try {
      this.#send(await work(controller.signal))
    } catch (error) {
      this.#send({ type: 'refused', call, failure: toFailure(error) })
    } finally {
      this.#calls.delete(call)
    }
  }

  async #generate(message: Message<'generate'>): Promise<void> {
    const { generation: id, request, grantedTokens, resumption } = message
    const generation = this.#worker.generate(request, {
      ...(grantedTokens === null ? {} : { grantedTokens }),
      ...(resumption === null ? {} : { resumption }),
    })
    this.#generations.set(id, generation)
    try {
      for await (const event of generation) this.#batcher.add(id, toIpcEvent(event))
    } catch (error) {
      this.#batcher.add(id, { type: 'failed', failure: toFailure(error) })
    } finally {
      this.#generations.delete(id)
    }
  }
}

function toIpcEvent(event: GenerationEvent): IpcGenerationEvent {
  if (event.type !== 'output') return event
  const { type, tokens, text, logprobs } = event
  return { type, tokens: [...tokens], text, ...(logprobs === undefined ? {} : { logprobs: [...logprobs] }) }
}

/**
 * Ends the process without running native destructors: freeing llama.cpp's contexts under running
 * batches crashes, and the operating system frees everything anyway.
 */
function end(): void {
  process.kill(process.pid, 'SIGKILL')
}

process.title = 'shoal-engine'
// An interrupt typed into the terminal reaches the whole process group; the node decides what ends when.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', end)
process.on('uncaughtException', error => {
  process.stderr.write(`${error.stack ?? error.message}\n`, end)
})

const child = new EngineChild({
  send: message => {
    if (process.connected) process.send?.(message)
  },
})
process.on('message', (message: unknown) => {
  // A rejection here is a defect and ends the process through `uncaughtException`.
  void child.receive(toEngineSchema.parse(message))
})
