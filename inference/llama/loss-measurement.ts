import {
  EngineError,
  type LossRequest,
  type LossRow,
  MAX_LOSS_CHARS,
  MAX_LOSS_ROWS,
  type MeasuredLoss,
  type RowLoss,
} from '../engine.ts'
import type { ModelRunner } from './model-runner.ts'
import { PatientSeat } from './patient-seat.ts'
import { scoreBatchTokens } from './score-batch.ts'
import type { SequenceSlot } from './sequence-slot.ts'
import type { TokenRow } from './text-rows.ts'

/** A generation that waits gets a row's slot so many times; then the row is finished. */
const MAX_YIELDS = 3
/** Logits that llama.cpp holds for one batch, a 32-bit number for each word of the vocabulary at each counted token. */
const MAX_LOGIT_BYTES = 128 * 1024 * 1024

/** Shorter batches cost more than they save. */
const MIN_BATCH_TOKENS = 32

/** What one row has lost so far. */
interface Tally {
  sum: number
  tokens: number
  isExact: boolean
  isCut: boolean
  losses: number[] | null
}

/** One measurement of a model's loss on a model in this process. */
export class LossMeasurement {
  readonly #request: LossRequest
  readonly #signal: AbortSignal
  readonly #runner: ModelRunner
  readonly #nowMs: () => number
  readonly #seats: readonly PatientSeat[]
  /** Of all lanes: aborted when one of them fails. */
  readonly #failed = new AbortController()
  #computedTokens = 0

  constructor(
    options: { request: LossRequest; signal: AbortSignal },
    modules: { runner: ModelRunner; nowMs: () => number },
  ) {
    this.#request = options.request
    this.#runner = modules.runner
    this.#nowMs = modules.nowMs
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal])
    // One slot stays for a generation that comes meanwhile.
    const lanes = Math.max(1, Math.min(this.#runner.description.slots - 1, this.#request.rows.length))
    this.#seats = Array.from(
      { length: lanes },
      () => new PatientSeat({ what: 'measuring loss', signal: this.#signal }, { pool: this.#runner.pool }),
    )
  }

  get isComputing(): boolean {
    return this.#seats.some(seat => seat.isComputing)
  }

  /** @throws {EngineError} as `Engine.measureLoss` */
  async run(): Promise<MeasuredLoss> {
    this.#throwIfCancelled()
    const startedMs = this.#nowMs()
    const { rows } = this.#request
    checkSize(rows)
    const results: RowLoss[] = new Array(rows.length)
    let next = 0
    const lane = async (seat: PatientSeat) => {
      try {
        while (next < rows.length) {
          const index = next++
          results[index] = await this.#measure(rows[index]!, index, seat)
        }
      } catch (error) {
        this.#failed.abort()
        throw error
      }
    }
    const lanes = await Promise.allSettled(this.#seats.map(lane))
    const failures = lanes.flatMap(lane => (lane.status === 'rejected' ? [lane.reason as unknown] : []))
    // Lanes that end because another failed say CANCELLED.
    const failure = failures.find(error => !(error instanceof EngineError && error.code === 'CANCELLED'))
    if (failures.length > 0) throw failure ?? failures[0]
    return { ...total(results), elapsedMs: this.#nowMs() - startedMs, computedTokens: this.#computedTokens }
  }

  async #measure(row: LossRow, index: number, seat: PatientSeat): Promise<RowLoss> {
    const tally: Tally = {
      sum: 0,
      tokens: 0,
      isExact: true,
      isCut: false,
      losses: this.#request.perToken === true ? [] : null,
    }
    for (const tokenRow of this.#tokenRows(row, index)) {
      const fitting = this.#cut(tokenRow, tally)
      if (!fitting.counted.includes(1)) continue
      for (let yields = 0; ; yields++) {
        this.#throwIfCancelled()
        const measured = await seat.use(slot => this.#compute(slot, fitting, yields < MAX_YIELDS))
        if (measured === null) continue
        add(tally, measured)
        break
      }
    }
    const { sum, tokens, isExact, isCut, losses } = tally
    return {
      loss: tokens === 0 ? 0 : sum / tokens,
      tokens,
      isExact: isExact && tokens > 0,
      isCut,
      ...(losses === null ? {} : { tokenLosses: Float32Array.from(losses) }),
    }
  }

  #tokenRows(row: LossRow, index: number): TokenRow[] {
    try {
      return this.#runner.tokenRows(row)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      throw new EngineError(error.code, `row ${index + 1}: ${error.message}`, {
        ...(error.fix === undefined ? {} : { fix: error.fix }),
        details: { ...error.details, row: index },
        cause: error,
      })
    }
  }

  #cut(row: TokenRow, tally: Tally): TokenRow {
    const most = this.#runner.contextTokens
    if (row.tokens.length <= most) return row
    tally.isCut = true
    return { tokens: row.tokens.slice(0, most), counted: row.counted.subarray(0, most) }
  }

  /** @returns the losses of counted tokens in order; null when it made room before it was done */
  async #compute(
    slot: SequenceSlot,
    { tokens, counted }: TokenRow,
    mayYield: boolean,
  ): Promise<{ nats: number; isLikeliest: boolean }[] | null> {
    const end = counted.lastIndexOf(1)
    const losses: { nats: number; isLikeliest: boolean }[] = []
    await slot.reset()
    for (let start = 0; start < end; ) {
      this.#throwIfCancelled()
      if (mayYield && this.#runner.pool.queued > 0) return null
      const stop = this.#batchEnd(counted, start, end)
      const batch = tokens.slice(start, stop)
      const next = batch.map((_, i) => (counted[start + i + 1] === 1 ? tokens[start + i + 1]! : null))
      for (const loss of await slot.losses(batch, next)) if (loss !== null) losses.push(loss)
      this.#computedTokens += batch.length
      start = stop
    }
    return losses
  }

  /**
   * Where a batch from `start` ends: all lanes together compute as many tokens at once as an audit, since a generation that comes
   * meanwhile waits for them, and hold no more logits than they may.
   */
  #batchEnd(counted: Uint8Array, start: number, end: number): number {
    const { vocabularySize, description } = this.#runner
    const lanes = this.#seats.length
    const tokens = Math.max(
      MIN_BATCH_TOKENS,
      Math.floor(scoreBatchTokens(description.parameterCount) / lanes),
    )
    const logitBytes = 4 * Math.max(1, vocabularySize)
    const most = Math.max(1, Math.floor(MAX_LOGIT_BYTES / logitBytes / lanes))
    const stop = Math.min(end, start + tokens)
    let wanted = 0
    for (let i = start; i < stop; i++) {
      if (counted[i + 1] !== 1) continue
      if (wanted === most) return i
      wanted += 1
    }
    return stop
  }

  #throwIfCancelled(): void {
    if (this.#signal.aborted) throw new EngineError('CANCELLED', 'the measurement was cancelled')
  }
}

function add(tally: Tally, losses: readonly { nats: number; isLikeliest: boolean }[]): void {
  for (const { nats, isLikeliest } of losses) {
    tally.sum += nats
    tally.tokens += 1
    tally.isExact &&= isLikeliest
    tally.losses?.push(nats)
  }
}

function total(rows: readonly RowLoss[]): Omit<MeasuredLoss, 'elapsedMs' | 'computedTokens'> {
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0)
  const sum = rows.reduce((sum, row) => sum + row.loss * row.tokens, 0)
  const exactRows = rows.filter(({ isExact }) => isExact).length
  return { loss: tokens === 0 ? 0 : sum / tokens, tokens, exactRows, rows }
}

/** @throws {EngineError} INPUT_INVALID */
function checkSize(rows: readonly LossRow[]): void {
  const chars = rows.reduce((sum, row) => sum + charsOf(row), 0)
  if (rows.length <= MAX_LOSS_ROWS && chars <= MAX_LOSS_CHARS) return
  throw new EngineError(
    'INPUT_INVALID',
    `${rows.length} rows of ${chars} characters are too much for one measurement`,
    {
      fix: `Ask for at most ${MAX_LOSS_ROWS} rows of ${MAX_LOSS_CHARS} characters together at a time.`,
      details: { rows: rows.length, chars },
    },
  )
}

function charsOf(row: LossRow): number {
  if ('messages' in row) return row.messages.reduce((sum, { content }) => sum + content.length, 0)
  return 'text' in row ? row.text.length : row.prompt.length + row.completion.length
}
