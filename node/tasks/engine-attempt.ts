import type { VectorsEvent } from '../../inference/embedding-run.ts'
import { EngineError, type GenerationEvent } from '../../inference/engine.ts'
import { UpstreamError } from '../../inference/remote/upstream-error.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Cleared } from '../market/clearance.ts'
import type { ClearedEngine } from '../market/venues/cleared-engine.ts'
import type { AttemptEvent, AttemptOutcome } from './attempt.ts'
import { type EngineRun, type EngineTask, engineRefusalOf } from './engine-task.ts'
import { HealthMonitor } from './health-monitor.ts'
import type { Metered } from './metering.ts'

export interface EngineAttemptOptions {
  task: Cleared<EngineTask>
  /** An engine that makes no progress for so long has stalled, unless it is known to be slower. */
  stallTimeoutMs: number
  expected: { ttftMs: number; tokensPerSecond: number }
}

export interface EngineAttemptModules {
  engine: ClearedEngine
  clock: Clock
  log: Logger
  onEvent: (event: AttemptEvent) => void
  /** Awaited after each output, before more is taken; see `AskOptions.cover`. */
  cover?: (usage: Metered) => Promise<void> | void
}

/** What is expected is the median, or no more than a claim. */
const TTFT_TOLERANCE = 3

/** One attempt on this node's own engine or at a cloud service: as `Attempt` at a peer, without channel and receipt. */
export class EngineAttempt {
  readonly #options: EngineAttemptOptions
  readonly #modules: EngineAttemptModules
  readonly #health: HealthMonitor
  readonly #usage: Metered = { promptTokens: 0, outputTokens: 0 }
  /** As the engine said at the start, exact or not. */
  #promptTokens = 0
  #hasStalled = false
  #hasOutput = false
  #generation: EngineRun | null = null

  constructor(options: EngineAttemptOptions, modules: EngineAttemptModules) {
    this.#options = options
    this.#modules = modules
    const { expected } = options
    // An engine gives no other sign of life than progress: one that is slow to begin is not dead.
    const stallTimeoutMs = Math.max(options.stallTimeoutMs, TTFT_TOLERANCE * expected.ttftMs)
    this.#health = new HealthMonitor(
      { stallTimeoutMs, expected },
      {
        clock: modules.clock,
        onSuspected: () => modules.onEvent({ type: 'suspected' }),
        onStalled: () => {
          this.#hasStalled = true
          this.#generation?.cancel()
        },
      },
    )
  }

  /** Tokens computed so far, as far as that can be told before the end, and as the engine counts them after it. */
  get usage(): Metered {
    return { ...this.#usage }
  }

  /** Runs to the end. */
  async run(cancel: AbortSignal): Promise<AttemptOutcome> {
    const { engine, log, cover } = this.#modules
    this.#health.start()
    try {
      this.#generation = engine.run(this.#options.task, { signal: cancel })
      for await (const event of this.#generation) {
        const outcome = this.#take(event)
        if (outcome !== null) return outcome
        if (cover === undefined || (event.type !== 'output' && event.type !== 'vectors')) continue
        const waiting = cover(this.usage)
        if (waiting !== undefined) await this.#health.aside(() => waiting)
      }
      throw new Error('the engine ended without an end')
    } catch (error) {
      if (cancel.aborted) return { kind: 'cancelled' }
      if (!(error instanceof EngineError)) throw error
      log.debug({ err: error, provider: engine.provider }, 'an engine failed a task')
      return this.#failed(error)
    } finally {
      this.#health.stop()
    }
  }

  #take(event: GenerationEvent | VectorsEvent): AttemptOutcome | null {
    const { onEvent } = this.#modules
    this.#health.heard()
    switch (event.type) {
      case 'start':
        this.#promptTokens = event.promptTokens
        this.#health.progressed(0)
        onEvent({ type: 'accepted', promptTokens: event.promptTokens, isEstimate: this.#isEstimate() })
        return null
      case 'prefill':
        this.#usage.promptTokens = event.promptTokens
        this.#health.progressed(0)
        return null
      case 'output': {
        const count = event.count ?? event.tokens.length
        this.#usage.promptTokens = this.#promptTokens
        this.#usage.outputTokens += count
        this.#hasOutput = true
        this.#health.progressed(count)
        onEvent(event)
        return null
      }
      case 'vectors':
        this.#hasOutput = true
        this.#usage.promptTokens = Math.min(this.#promptTokens, this.#usage.promptTokens + event.tokens)
        this.#health.progressed(0)
        onEvent(event)
        return null
      case 'end':
        this.#counted(event)
        return { kind: 'finished', reason: event.reason }
    }
  }

  #counted({ promptTokens, outputTokens }: Metered): void {
    const surplus = outputTokens - this.#usage.outputTokens
    const isNews = surplus !== 0 || promptTokens !== this.#promptTokens
    Object.assign(this.#usage, { promptTokens, outputTokens })
    if (isNews) this.#modules.onEvent({ type: 'counted', promptTokens, outputTokens, surplus })
  }

  #failed(error: EngineError): AttemptOutcome {
    if (this.#hasStalled) return { kind: 'failed', why: 'stalled' }
    if (error instanceof UpstreamError) {
      if (error.fault === 'stalled' || error.fault === 'timed_out') return { kind: 'failed', why: 'stalled' }
      if (error.fault === 'unreachable') return { kind: 'failed', why: 'disconnected' }
    }
    if (this.#hasOutput || error.code === 'ENGINE_CRASHED') return { kind: 'failed', why: 'provider_failed' }
    return { kind: 'refused', code: engineRefusalOf(error), message: error.message.slice(0, 200) }
  }

  /** Services count tokens at the end. */
  #isEstimate(): boolean {
    return this.#modules.engine.provider !== 'local'
  }
}
