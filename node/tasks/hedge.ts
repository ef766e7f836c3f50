import type { Preferences } from '../market/preferences.ts'
import type { Prediction } from '../market/routing/candidate.ts'

export interface HedgeBudgetOptions {
  /** Hedges for each task, on average; default 0.1. 0: none at all. */
  share?: number
  /** Hedges in a row; default 4. */
  burst?: number
}

/** Sooner is not worth a second prompt. */
const MIN_DELAY_MS = 150

/**
 * Limits hedged requests to a share of all tasks, so that they help against a slow provider and do not double
 * the load where all are slow (Dean and Barroso, The Tail at Scale, 2013: a second request after the 95th
 * percentile adds about 5 %).
 */
export class HedgeBudget {
  readonly #share: number
  readonly #burst: number
  #left: number

  constructor(options: HedgeBudgetOptions = {}) {
    this.#share = options.share ?? 0.1
    this.#burst = this.#share === 0 ? 0 : (options.burst ?? 4)
    this.#left = this.#burst
  }

  /** A task begins. */
  earn(): void {
    this.#left = Math.min(this.#burst, this.#left + this.#share)
  }

  /** @returns whether a hedge may be made now; it then counts */
  spend(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** After how long without a first token a second provider is asked, ms; null for tasks that are not hedged. */
export function hedgeDelayMs(prediction: Prediction, preferences: Preferences): number | null {
  // Who asks for the lowest price does not pay for two prompts.
  if (preferences.strategy === 'cost' || preferences.mode === 'spot') return null
  return Math.max(MIN_DELAY_MS, prediction.ttftP95Ms)
}
