import type { ModelId } from '../../protocol/ids.ts'

/** What one task took, as its provider saw it. */
export interface ServiceSample {
  model: ModelId
  /** From the task's arrival to its first token, waiting for a slot included, ms; null where none came. */
  ttftMs: number | null
  /** From its slot to its end, without waiting for payment, ms. */
  serviceMs: number
  /** Of which the model computed so many in so long; those found warm may be among them. */
  promptTokens: number
  prefillMs: number
  outputTokens: number
  /** From the first token to the last, without waiting for payment, ms. */
  streamingMs: number
}

export interface MeasuredSpeed {
  /** Of one stream with the load of late. */
  tokensPerSecond: number
  /** From a task's arrival to its first token, the median of late, ms. */
  ttftMs: number
}

interface Meter {
  tokensPerSecond: number | null
  serviceMs: number | null
  promptTokensPerSecond: number | null
  /** Of late, a ring. */
  ttftMs: number[]
  next: number
}

/** Weight of a new sample: about the last ten tasks count. */
const SMOOTHING = 0.2
const MEDIAN_OF = 31
/** Streams shorter than this say nothing of speed. */
const MIN_STREAM_TOKENS = 4
const MAX_MODELS = 256

/** How fast this node serves each of its models, by what its tasks took; a claim others may believe. */
export class ServiceMeter {
  readonly #meters = new Map<ModelId, Meter>()

  record(sample: ServiceSample): void {
    const { model, ttftMs, serviceMs, promptTokens, prefillMs, outputTokens, streamingMs } = sample
    const meter = this.#meter(model)
    if (ttftMs !== null) {
      meter.ttftMs[meter.next] = ttftMs
      meter.next = (meter.next + 1) % MEDIAN_OF
    }
    meter.serviceMs = smoothed(meter.serviceMs, serviceMs)
    if (ttftMs !== null && prefillMs > 0)
      meter.promptTokensPerSecond = smoothed(meter.promptTokensPerSecond, (promptTokens / prefillMs) * 1_000)
    if (outputTokens >= MIN_STREAM_TOKENS && streamingMs > 0)
      meter.tokensPerSecond = smoothed(meter.tokensPerSecond, ((outputTokens - 1) / streamingMs) * 1_000)
  }

  /** Null until a task with enough output has been done. */
  speed(model: ModelId): MeasuredSpeed | null {
    const meter = this.#meters.get(model)
    if (meter === undefined || meter.tokensPerSecond === null || meter.ttftMs.length === 0) return null
    return { tokensPerSecond: meter.tokensPerSecond, ttftMs: median(meter.ttftMs) }
  }

  /** How long a task holds its slot, of late, ms; null until one has been done. */
  serviceMs(model: ModelId): number | null {
    return this.#meters.get(model)?.serviceMs ?? null
  }

  /** How long so many tokens of a prompt take to compute, ms; null until a task has been done. */
  prefillMs(model: ModelId, promptTokens: number): number | null {
    const speed = this.#meters.get(model)?.promptTokensPerSecond ?? null
    return speed === null ? null : (promptTokens / speed) * 1_000
  }

  #meter(model: ModelId): Meter {
    let meter = this.#meters.get(model)
    if (meter === undefined) {
      meter = { tokensPerSecond: null, serviceMs: null, promptTokensPerSecond: null, ttftMs: [], next: 0 }
      this.#meters.set(model, meter)
      if (this.#meters.size > MAX_MODELS) this.#meters.delete(this.#meters.keys().next().value!)
    }
    return meter
  }
}

function smoothed(old: number | null, sample: number): number {
  return old === null ? sample : old + SMOOTHING * (sample - old)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
