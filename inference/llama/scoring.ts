import { tokensDigest } from '../../protocol/messages/receipt.ts'
import { EngineError, type ScoredOutput, type ScoreRequest } from '../engine.ts'
import { MAX_CANDIDATES } from '../sampling/sampler.ts'
import type { ModelRunner, PreparedScore } from './model-runner.ts'
import { PatientSeat } from './patient-seat.ts'
import { scoreBatchTokens } from './score-batch.ts'
import type { SequenceSlot } from './sequence-slot.ts'

/** A generation that waits gets an audit's slot so many times; then the audit is finished. */
const MAX_YIELDS = 3

/** One audit by prefill on a model in this process. */
export class OutputScoring {
  readonly #request: ScoreRequest
  readonly #signal: AbortSignal
  readonly #runner: ModelRunner
  readonly #nowMs: () => number
  readonly #seat: PatientSeat

  constructor(
    options: { request: ScoreRequest; signal: AbortSignal },
    modules: { runner: ModelRunner; nowMs: () => number },
  ) {
    this.#request = options.request
    this.#signal = options.signal
    this.#runner = modules.runner
    this.#nowMs = modules.nowMs
    this.#seat = new PatientSeat(
      { what: 'checking an output', signal: options.signal },
      { pool: this.#runner.pool },
    )
  }

  get isComputing(): boolean {
    return this.#seat.isComputing
  }

  /** @throws {EngineError} as `Engine.score` */
  async run(): Promise<ScoredOutput> {
    this.#throwIfCancelled()
    for (let yields = 0; ; yields++) {
      const prepared = await this.#runner.prepareScore(this.#request)
      this.#throwIfCancelled()
      const measured = await this.#onSlot(prepared, yields < MAX_YIELDS)
      if (measured !== null) return { ...this.#result(prepared), ...measured }
    }
  }

  /** @returns null when it made room for a generation before it was done */
  #onSlot(
    prepared: PreparedScore,
    mayYield: boolean,
  ): Promise<{ elapsedMs: number; computedTokens: number } | null> {
    return this.#seat.use(async slot => {
      const startedMs = this.#nowMs()
      const computedTokens = await this.#compute(slot, prepared, mayYield)
      return computedTokens === null ? null : { elapsedMs: this.#nowMs() - startedMs, computedTokens }
    })
  }

  /** @returns the tokens computed; null when it made room before it was done */
  async #compute(slot: SequenceSlot, prepared: PreparedScore, mayYield: boolean): Promise<number | null> {
    const { tokens, known, judge } = prepared
    if (known.length === 0) return 0
    // The last token's successor is nobody's claim.
    const inputs = [...tokens, ...known.slice(0, -1)]
    const first = tokens.length - 1
    const batchTokens = scoreBatchTokens(this.#runner.description.parameterCount)
    await slot.reset()
    for (let start = 0; start < inputs.length; start += batchTokens) {
      this.#throwIfCancelled()
      if (mayYield && this.#runner.pool.queued > 0) return null
      const batch = inputs.slice(start, start + batchTokens)
      const from = Math.min(batch.length, Math.max(0, first - start))
      const candidates = await slot.candidates(batch, { from, count: MAX_CANDIDATES })
      for (const [i, probabilities] of candidates.entries()) {
        const index = start + from + i - first
        judge.judge(index, known[index]!, probabilities)
      }
    }
    this.#throwIfCancelled()
    return inputs.length
  }

  #result(prepared: PreparedScore): Omit<ScoredOutput, 'elapsedMs' | 'computedTokens'> {
    const { tokens, known, judge, isEndToken } = prepared
    const last = this.#request.output.at(-1)
    return {
      promptTokens: tokens.length,
      promptDigest: tokensDigest(tokens),
      margins: judge.margins,
      logProbs: judge.logProbs,
      states: judge.states,
      gaps: judge.gaps,
      endsTurn: last !== undefined && known.length === this.#request.output.length && isEndToken(last),
      ...this.#textAndEnding(prepared),
    }
  }

  /** Goes over the output as a generation does. */
  #textAndEnding(prepared: PreparedScore): Pick<ScoredOutput, 'text' | 'ending'> {
    const { known, output, heldText, finished, maxTokens, tokens } = prepared
    if (finished !== null) return { text: heldText + output.flush(), ending: { tokens: 0, reason: finished } }
    let text = heldText
    for (const [i, token] of known.entries()) {
      const step = output.push(token)
      text += step.text
      const made = i + 1
      if (step.reason !== null) return { text, ending: { tokens: made, reason: step.reason } }
      if (made >= maxTokens || tokens.length + made >= this.#runner.contextTokens)
        return { text: text + output.flush(), ending: { tokens: made, reason: 'length' } }
    }
    return { text, ending: null }
  }

  #throwIfCancelled(): void {
    if (this.#signal.aborted) throw new EngineError('CANCELLED', 'the check of an output was cancelled')
  }
}
