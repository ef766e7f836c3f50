import { z } from 'zod'
import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'
import { CHEATED_SHARES, DISTURBANCES } from './deviations.ts'
import { logSumExp } from './distributions.ts'
import { receiptLogRatios } from './likelihood.ts'

export type Decision = 'honest' | 'cheating' | 'undecided'

export interface SequentialTestOptions {
  /** Chance that an honest provider is ever found cheating, over the whole life of the test. Default 1e-6. */
  falseAlarm?: number
  /** Never decides on fewer tokens. Default 256. */
  minTokens?: number
  /** Never decides on fewer receipts. Default 4. */
  minReceipts?: number
}

/** JSON; bounded; restores the test exactly. */
export interface SequentialTestState {
  version: 1
  decision: Decision
  /** When the task of the receipt that decided had ended; null while undecided. */
  decidedAtMs: number | null
  receipts: number
  tokens: number
  /** End of the latest task that was taken. */
  lastAtMs: number | null
  /** Tests ended by `renew` before this one. */
  renewals: number
  /** ln of what each component of the alternative has gathered from all points at which cheating may have begun. */
  against: readonly number[]
  /** ln likelihood ratios of steady cheats since the last acceptance (Wald). */
  since: readonly number[]
}

/** Members of the family, times shares of receipts. */
const FAMILY = DISTURBANCES.length
const COMPONENTS = FAMILY * CHEATED_SHARES.length
/** Every component is as likely beforehand. */
const LOG_PRIOR = -Math.log(COMPONENTS)
/** Chance of taking a steady cheat of the family for honest, as far as its likelihood is right. */
const MISS = 0.01
/** Beyond it nothing changes any more; keeps the state finite. */
const MAX_LOG = 1e6
/** A new test has half of the false alarms that were left; past these nobody renews. */
const MAX_RENEWALS = 40

const finite = z.number().min(-MAX_LOG).max(MAX_LOG)

export const sequentialTestStateSchema: z.ZodType<SequentialTestState> = z.strictObject({
  version: z.literal(1),
  decision: z.enum(['honest', 'cheating', 'undecided']),
  decidedAtMs: z.nullable(z.number().min(0)),
  receipts: z.int().min(0),
  tokens: z.int().min(0),
  lastAtMs: z.nullable(z.number().min(0)),
  renewals: z.int().min(0).max(MAX_RENEWALS),
  against: z.array(finite).length(COMPONENTS),
  since: z.array(finite).length(FAMILY),
})

/**
 * Pools a provider's receipts, one after another, until they show that it cheats or that it does not.
 *
 * Against it: Wald's sequential probability ratio test (Annals of Mathematical Statistics 16, 1945) as a test martingale. Each receipt multiplies the
 * evidence by a ratio whose expectation is at most 1 for honest providers; by Ville's inequality (Ramdas,
 * Grünwald, Vovk and Shafer, Statistical Science 38, 2023) the chance that the evidence ever reaches 1/α is at most α, however long it goes on and
 * whenever one looks. The alternative is a mixture over how strong the cheating is and over the share of receipts. Someone who begins late is found as well: the
 * evidence is summed over all receipts at which it may have begun (Shiryaev 1963; Shin, Ramdas and Rinaldo, E-detectors, 2024), with weights 1/(t(t+1)) that
 * sum to one, so that α holds for ever and not for an average run; late starters cost it ln(t(t+1)) more.
 *
 * For it: Wald's lower bound on each steady member of the family, counted anew after each acceptance. A rising ratio takes an acceptance back. It is
 * advice on how closely to look, and guarantees nothing of small shares.
 *
 * What α does not cover: the calibration's bounds hold with its own CONFIDENCE, and how far tokens of a receipt hang together is
 * estimated (`receiptLogRatios`).
 */
export class SequentialTest {
  readonly #logThreshold: number
  readonly #minTokens: number
  readonly #minReceipts: number
  #state: SequentialTestState

  /** @param state what `state` once gave; a fresh test without */
  constructor(options: SequentialTestOptions = {}, state: SequentialTestState = freshState(0)) {
    const { falseAlarm = 1e-6, minTokens = 256, minReceipts = 4 } = options
    if (!(falseAlarm > 0 && falseAlarm < 1)) throw new RangeError('falseAlarm is between 0 and 1')
    this.#logThreshold = -Math.log(falseAlarm)
    this.#minTokens = minTokens
    this.#minReceipts = minReceipts
    this.#state = state
  }

  /** JSON; kept, it restores the test. */
  get state(): SequentialTestState {
    return this.#state
  }

  get decision(): Decision {
    return this.#state.decision
  }

  /**
   * ln of the evidence that the provider cheats, and what it must reach. After k renewals this test has α/2^(k+1), so that
   * all tests of a provider together have α.
   */
  get evidence(): { log: number; threshold: number } {
    const { against, receipts, renewals } = this.#state
    const ahead = -Math.log(receipts + 1)
    const log = logSumExp([ahead, ...against.map(value => value + LOG_PRIOR)])
    return { log, threshold: this.#logThreshold + (renewals + 1) * Math.LN2 }
  }

  /**
   * Takes one audited receipt into account. Each receipt once only; the order is that of audits, which must not be chosen
   * by what they found.
   * @param atMs when the receipt's task ended
   * @param weight chance that the audit is true, 0 to 1, for words of others: the ratio is mixed with 1 by it, as of a word that
   *   says nothing otherwise. Its expectation stays at most 1, and at weight 0 nothing changes
   * @throws {AuditError} VERSION_MISMATCH, MISMATCH
   */
  add(assessment: Assessment, calibration: Calibration, atMs: number, weight = 1): Decision {
    const ratios = receiptLogRatios(assessment, calibration).map(ratio => believed(ratio, weight))
    const { state } = this
    const before = this.evidence.log
    const receipts = state.receipts + 1
    // The weight of cheating having begun with this receipt.
    const begins = -Math.log(receipts * (receipts + 1))
    const next: SequentialTestState = {
      ...state,
      receipts,
      tokens: state.tokens + assessment.tokens,
      lastAtMs: Math.max(state.lastAtMs ?? 0, atMs),
      against: state.against.map((log, index) => {
        const share = CHEATED_SHARES[Math.floor(index / FAMILY)]!
        const factor = Math.min(this.#mostOfOne, mixed(ratios[index % FAMILY]!, share))
        return clamp(logSumExp([log, begins]) + factor)
      }),
      since: state.since.map((log, index) => clamp(log + ratios[index]!)),
    }
    this.#state = next
    if (state.decision !== 'cheating') this.#decide(atMs, before)
    return this.decision
  }

  /** Begins anew after a verdict, with half of what was left of the false alarms. */
  renew(): void {
    this.#state = freshState(Math.min(MAX_RENEWALS, this.#state.renewals + 1))
  }

  /** Whatever one receipt says, it takes several to find a provider cheating. */
  get #mostOfOne(): number {
    return this.#logThreshold / Math.max(1, this.#minReceipts - 1)
  }

  /** @param before the evidence without the latest receipt: one that speaks for a provider never convicts it */
  #decide(atMs: number, before: number): void {
    const state = this.#state
    const { log, threshold } = this.evidence
    const isEnough = state.tokens >= this.#minTokens && state.receipts >= this.#minReceipts
    if (log >= threshold && log > before && isEnough) {
      this.#state = { ...state, decision: 'cheating', decidedAtMs: atMs }
    } else if (isEnough && state.since.every(ratio => ratio <= Math.log(MISS))) {
      this.#state = { ...state, decision: 'honest', decidedAtMs: atMs, since: state.since.map(() => 0) }
    } else if (state.decision === 'honest' && state.since.some(ratio => ratio >= -Math.log(MISS))) {
      this.#state = { ...state, decision: 'undecided', decidedAtMs: null }
    }
  }
}

/** Of a test that has seen nothing, after so many before it. */
export function freshState(renewals: number): SequentialTestState {
  return {
    version: 1,
    decision: 'undecided',
    decidedAtMs: null,
    receipts: 0,
    tokens: 0,
    lastAtMs: null,
    renewals,
    against: new Array<number>(COMPONENTS).fill(-MAX_LOG),
    since: new Array<number>(FAMILY).fill(0),
  }
}

/** ln(1 − share + share·exp(ratio)): a receipt of a provider that cheats at some. */
function mixed(ratio: number, share: number): number {
  return share === 1 ? ratio : logSumExp([Math.log1p(-share), Math.log(share) + ratio])
}

/** ln(1 − weight + weight·exp(ratio)). */
function believed(ratio: number, weight: number): number {
  if (weight <= 0) return 0
  return mixed(ratio, Math.min(1, weight))
}

function clamp(log: number): number {
  return Math.max(-MAX_LOG, Math.min(MAX_LOG, log))
}
