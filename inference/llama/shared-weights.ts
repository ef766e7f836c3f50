import type { LlamaModel } from 'node-llama-cpp'
import { EngineError } from '../engine.ts'
import type { GgufSummary } from '../models/gguf.ts'
import type { ThreadChoice } from './thread-measurement.ts'

/** A model file in memory, with what loading it found out. */
export interface LoadedWeights {
  model: LlamaModel
  summary: GgufSummary
  threads: ThreadChoice
  /** SHA-256 of the file, as 64 hex digits; read through once at most. */
  digest(): Promise<string>
}

/** One user's hold on weights. */
export interface HeldWeights extends LoadedWeights {
  /** Lets go of them; the last one frees them. Idempotent. Nothing may use them any more. */
  release(): Promise<void>
}

interface Entry {
  weights: Promise<LoadedWeights>
  controller: AbortController
  users: number
}

/** Keeps each model file in memory once, however many models are made of it, for as long as there is one. */
export class SharedWeights {
  readonly #entries = new Map<string, Entry>()

  /** Files in memory or on their way there. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * @param key of the file as it is now: another one for another content
   * @param load begins unless they are there or on their way; aborted when nobody waits for them any more
   * @throws {EngineError} CANCELLED, or what `load` throws
   */
  async hold(
    key: string,
    load: (signal: AbortSignal) => Promise<LoadedWeights>,
    signal: AbortSignal | undefined,
  ): Promise<HeldWeights> {
    const entry = this.#entries.get(key) ?? this.#begin(key, load)
    entry.users += 1
    let isHeld = true
    const release = async () => {
      if (!isHeld) return
      isHeld = false
      await this.#release(key, entry)
    }
    try {
      return { ...(await untilAborted(entry.weights, signal)), release }
    } catch (error) {
      await release()
      throw error
    }
  }

  #begin(key: string, load: (signal: AbortSignal) => Promise<LoadedWeights>): Entry {
    const controller = new AbortController()
    const entry: Entry = { weights: load(controller.signal), controller, users: 0 }
    entry.weights.catch(() => {})
    this.#entries.set(key, entry)
    return entry
  }

  async #release(key: string, entry: Entry): Promise<void> {
    entry.users -= 1
    if (entry.users > 0) return
    if (this.#entries.get(key) === entry) this.#entries.delete(key)
    entry.controller.abort()
    const weights = await entry.weights.catch(() => null)
    await weights?.model.dispose()
  }
}

async function untilAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(new EngineError('CANCELLED', 'the load was cancelled'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([aborted, result])
  } finally {
    signal.removeEventListener('abort', abort)
    aborted.catch(() => {})
  }
}
