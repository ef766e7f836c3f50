import type { ModelId } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { ProviderId } from '../market/routing/candidate.ts'

export interface CircuitBreakerOptions {
  /** Failures one after the other that open a circuit; default 3. */
  failuresToOpen?: number
  /** How long it stays open the first time, doubled each time a trial fails; default 5 s. */
  openMs?: number
  /** Longest it stays open; default 5 min. */
  maxOpenMs?: number
  /** Circuits remembered at most; default 10,000. */
  maxCircuits?: number
}

/**
 * What an attempt says about the way to a provider. `failure`: of this model there. `unreachable`: of the
 * provider, whatever the model. `busy`: it asked to be left alone for a moment. `neutral`: nothing.
 */
export type CircuitSignal = 'success' | 'failure' | 'unreachable' | 'busy' | 'neutral'
export type CircuitState = 'closed' | 'open' | 'half-open'

export interface CircuitView {
  provider: ProviderId
  /** Null for the provider as a whole. */
  model: ModelId | null
  state: CircuitState
  failures: number
  /** When a trial is let through; null while it is closed. */
  retryAtMs: number | null
}

/** Nobody is asked again at once by somebody it told to be busy. */
const BUSY_MS = 1_000
const ALL = '*'

interface Circuit {
  provider: ProviderId
  model: ModelId | typeof ALL
  failures: number
  /** Times it has opened without a success since. */
  openings: number
  /** No attempt before; 0 while it is closed. */
  retryAtMs: number
  /** A trial is on its way, so that no second one is let through; given up after the longest open time. */
  trialSinceMs: number | null
}

/**
 * Keeps tasks away from who fails them: closed, then open after some failures in a row, then half-open, when
 * one trial is let through and decides (Nygard, Release It!, "Circuit Breaker"). One circuit for each provider
 * and model, one for each provider as a whole.
 */
export class CircuitBreaker {
  readonly #options: Required<CircuitBreakerOptions>
  readonly #clock: Clock
  readonly #random: () => number
  /** Only what is not plainly closed; the least recently changed first. */
  readonly #circuits = new Map<string, Circuit>()

  /** @param modules.random uniform in [0, 1): spreads trials, so that not everybody tries at once */
  constructor(options: CircuitBreakerOptions, modules: { clock: Clock; random: () => number }) {
    this.#options = { failuresToOpen: 3, openMs: 5_000, maxOpenMs: 300_000, maxCircuits: 10_000, ...options }
    this.#clock = modules.clock
    this.#random = modules.random
  }

  /** Whether nothing may be sent there now. Cheap enough to ask for every listing. */
  isOpen(provider: ProviderId, model: ModelId): boolean {
    if (this.#circuits.size === 0) return false
    return this.#blocks(this.#find(provider, ALL)) || this.#blocks(this.#find(provider, model))
  }

  /** An attempt begins; where a circuit is half-open it is the trial. */
  begin(provider: ProviderId, model: ModelId): void {
    for (const circuit of [this.#find(provider, ALL), this.#find(provider, model)])
      if (circuit !== undefined && circuit.retryAtMs > 0) circuit.trialSinceMs = this.#clock.nowMs()
  }

  /** How the attempt went. */
  observe(provider: ProviderId, model: ModelId, signal: CircuitSignal): void {
    const circuits = [this.#find(provider, ALL), this.#find(provider, model)]
    for (const circuit of circuits) if (circuit !== undefined) circuit.trialSinceMs = null
    if (signal === 'success') {
      for (const circuit of circuits) if (circuit !== undefined) this.#circuits.delete(keyOf(circuit))
    } else if (signal === 'busy') {
      const circuit = this.#circuit(provider, model)
      circuit.retryAtMs = Math.max(circuit.retryAtMs, this.#clock.nowMs() + this.#jittered(BUSY_MS))
    } else if (signal !== 'neutral') {
      this.#fail(this.#circuit(provider, signal === 'unreachable' ? ALL : model))
    }
  }

  /** The provider has come back: whatever is open there may be tried at once. */
  retry(provider: ProviderId): void {
    if (this.#circuits.size === 0) return
    const nowMs = this.#clock.nowMs()
    for (const circuit of this.#circuits.values())
      if (circuit.provider === provider) circuit.retryAtMs = Math.min(circuit.retryAtMs, nowMs)
  }

  /** Circuits that are not plainly closed. */
  list(): CircuitView[] {
    const nowMs = this.#clock.nowMs()
    return [...this.#circuits.values()].map(({ provider, model, failures, retryAtMs }) => ({
      provider,
      model: model === ALL ? null : model,
      state: retryAtMs === 0 ? 'closed' : nowMs < retryAtMs ? 'open' : 'half-open',
      failures,
      retryAtMs: retryAtMs === 0 ? null : retryAtMs,
    }))
  }

  #fail(circuit: Circuit): void {
    circuit.failures++
    const wasTrial = circuit.openings > 0
    if (!wasTrial && circuit.failures < this.#options.failuresToOpen) return
    const { openMs, maxOpenMs } = this.#options
    const delayMs = Math.min(maxOpenMs, openMs * 2 ** Math.min(circuit.openings, 30))
    circuit.openings++
    circuit.retryAtMs = this.#clock.nowMs() + this.#jittered(delayMs)
  }

  #blocks(circuit: Circuit | undefined): boolean {
    if (circuit === undefined || circuit.retryAtMs === 0) return false
    const nowMs = this.#clock.nowMs()
    if (nowMs < circuit.retryAtMs) return true
    return circuit.trialSinceMs !== null && nowMs - circuit.trialSinceMs < this.#options.maxOpenMs
  }

  /** Up to a quarter more. */
  #jittered(delayMs: number): number {
    return delayMs * (1 + this.#random() / 4)
  }

  #find(provider: ProviderId, model: string): Circuit | undefined {
    return this.#circuits.get(keyOf({ provider, model }))
  }

  /** The circuit, made if need be, as the most recently changed. */
  #circuit(provider: ProviderId, model: string): Circuit {
    const key = keyOf({ provider, model })
    const circuit = this.#circuits.get(key) ?? {
      ...{ provider, model, failures: 0, openings: 0, retryAtMs: 0, trialSinceMs: null },
    }
    this.#circuits.delete(key)
    this.#circuits.set(key, circuit)
    if (this.#circuits.size > this.#options.maxCircuits)
      this.#circuits.delete(this.#circuits.keys().next().value!)
    return circuit
  }
}

function keyOf({ provider, model }: { provider: ProviderId; model: string }): string {
  return `${provider} ${model}`
}
