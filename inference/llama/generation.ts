import { tokensDigest } from '../../protocol/messages/receipt.ts'
import {
  EngineError,
  type GenerateOptions,
  type GenerateRequest,
  type Generation,
  type GenerationEvent,
} from '../engine.ts'
import { messageOf } from './bindings.ts'
import { Grant } from './grant.ts'
import type { ModelRunner, PreparedGeneration } from './model-runner.ts'
import type { SequenceSlot } from './sequence-slot.ts'
import type { Seat } from './slot-pool.ts'
import { type ChosenToken, TokenSource } from './token-source.ts'

/** Output of this very generation that an engine process made before it died. */
export interface Resumption {
  tokens: readonly number[]
  text: string
}

export interface LlamaGenerateOptions extends GenerateOptions {
  resumption?: Resumption
}

type Events<Result> = AsyncGenerator<GenerationEvent, Result, void>
type EndEvent = Extract<GenerationEvent, { type: 'end' }>

/** One generation on a model in this process. */
export class LlamaGeneration implements Generation {
  readonly #request: GenerateRequest
  readonly #options: LlamaGenerateOptions
  readonly #findRunner: () => ModelRunner
  readonly #onEnd: () => void
  readonly #grant: Grant
  #isIterated = false
  #isCancelled = false
  #seat: Seat<SequenceSlot> | null = null

  /** @param modules.findRunner throws {EngineError} when the model cannot be run */
  constructor(
    options: { request: GenerateRequest; generate: LlamaGenerateOptions },
    modules: { findRunner: () => ModelRunner; onEnd: () => void },
  ) {
    this.#request = options.request
    this.#options = options.generate
    this.#findRunner = modules.findRunner
    this.#onEnd = modules.onEnd
    this.#grant = new Grant(options.generate.grantedTokens ?? Number.POSITIVE_INFINITY)
  }

  /** Whether the model has work to do for it: it is on a slot and not waiting for a grant. */
  get isComputing(): boolean {
    return this.#seat !== null && !this.#seat.isQueued && !this.#grant.isWaiting
  }

  grant(totalTokens: number): void {
    this.#grant.raise(totalTokens)
  }

  cancel(): void {
    this.#isCancelled = true
    this.#grant.release()
    // On a slot it ends after the batch in work; in the queue there is nothing to wait for.
    if (this.#seat?.isQueued === true) this.#seat.leave()
  }

  async *[Symbol.asyncIterator](): Events<void> {
    if (this.#isIterated) throw new TypeError('a generation can be iterated once')
    this.#isIterated = true
    const cancel = () => this.cancel()
    const { signal } = this.#options
    if (signal?.aborted === true) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      this.#throwIfCancelled()
      const runner = this.#findRunner()
      const prepared = await runner.prepare(this.#request, this.#options.resumption)
      this.#throwIfCancelled()
      // The slot is free before the end is told: who knows it may ask for the next at once.
      yield yield* this.#run(runner, prepared)
    } finally {
      signal?.removeEventListener('abort', cancel)
      this.#onEnd()
    }
  }

  async *#run(runner: ModelRunner, prepared: PreparedGeneration): Events<EndEvent> {
    const seat = runner.pool.enter(prepared.tokens)
    this.#seat = seat
    let slot: SequenceSlot | null = null
    let isBroken = false
    try {
      yield {
        type: 'start',
        promptTokens: prepared.tokens.length,
        promptDigest: tokensDigest(prepared.tokens),
      }
      slot = await seat.slot
      this.#throwIfCancelled()
      return yield* this.#compute(slot, runner, prepared)
    } catch (error) {
      if (error instanceof EngineError) throw error
      isBroken = true
      throw new EngineError('ENGINE_CRASHED', `the engine failed while generating: ${messageOf(error)}`, {
        fix: 'Ask again; if it happens again, ask with a shorter prompt or at another provider.',
        cause: error,
      })
    } finally {
      // After a failure the cache may be in any state.
      if (isBroken) await slot?.reset().catch(() => {})
      this.#seat = null
      seat.leave()
    }
  }

  async *#compute(slot: SequenceSlot, runner: ModelRunner, prepared: PreparedGeneration): Events<EndEvent> {
    const promptTokens = prepared.tokens.length
    if (prepared.finished !== null) {
      const text = prepared.heldText + prepared.output.flush()
      if (text !== '') yield { type: 'output', tokens: [], text }
      return { type: 'end', reason: prepared.finished, promptTokens, outputTokens: 0 }
    }
    const lastBatch = yield* this.#prefill(slot, prepared.tokens, runner.batchTokens)
    const source = new TokenSource(
      { prompt: prepared.tokens, rest: lastBatch },
      { slot, choice: prepared.choice },
    )
    let step = begin(source)
    try {
      let chosen = await step
      this.#throwIfCancelled()
      yield { type: 'prefill', promptTokens }
      if (prepared.heldText !== '') yield { type: 'output', tokens: [], text: prepared.heldText }
      for (let outputTokens = 1; ; outputTokens++) {
        await this.#granted(promptTokens + outputTokens)
        const { token, chances } = chosen
        const { text, reason } = prepared.output.push(token)
        const output = {
          ...{ type: 'output' as const, tokens: [token], text },
          ...(chances === null ? {} : { logprobs: [runner.logprobsOf(chances)] }),
        }
        const end = reason ?? (this.#isFull(runner, prepared, outputTokens) ? 'length' : null)
        if (end !== null) {
          yield { ...output, text: reason === null ? text + prepared.output.flush() : text }
          return { type: 'end', reason: end, promptTokens, outputTokens }
        }
        const next = promptTokens + outputTokens + 1
        if (this.#grant.total >= next) {
          // The next token is computed while the consumer looks at this one.
          step = begin(source)
          yield output
        } else {
          yield output
          await this.#granted(next)
          step = begin(source)
        }
        chosen = await step
        this.#throwIfCancelled()
      }
    } finally {
      await step.catch(() => {})
      await source.end()
    }
  }

  /**
   * Computes the prompt in batches as far as it is granted and not warm. The last batch is returned
   * uncomputed once the grant covers it: the first output is sampled from it.
   */
  async *#prefill(slot: SequenceSlot, tokens: readonly number[], batchTokens: number): Events<number[]> {
    let computed = await slot.keepPrefix(tokens)
    let reported = 0
    while (true) {
      await this.#granted(reported + 1)
      const granted = Math.min(tokens.length, this.#grant.total)
      const end = Math.min(granted, computed + batchTokens)
      if (end === tokens.length) return tokens.slice(computed)
      if (end > computed) {
        await slot.compute(tokens.slice(computed, end))
        computed = end
        this.#throwIfCancelled()
      }
      reported = Math.min(computed, granted)
      yield { type: 'prefill', promptTokens: reported }
    }
  }

  #isFull(runner: ModelRunner, prepared: PreparedGeneration, outputTokens: number): boolean {
    return outputTokens >= prepared.maxTokens || prepared.tokens.length + outputTokens >= runner.contextTokens
  }

  async #granted(totalTokens: number): Promise<void> {
    if (this.#grant.total < totalTokens) await this.#grant.covers(totalTokens)
    this.#throwIfCancelled()
  }

  #throwIfCancelled(): void {
    if (this.#isCancelled) throw new EngineError('CANCELLED', 'the generation was cancelled')
  }
}

/** Begins the next step; should it fail while nobody waits for it, whoever does so later is told. */
function begin(source: TokenSource): Promise<ChosenToken> {
  const step = source.next()
  step.catch(() => {})
  return step
}
