import type { ScoredOutput } from '../engine.ts'
import { type AuditClaim, assess, hasFilters } from './assessment.ts'
import type { Calibration } from './calibration.ts'
import { CATEGORIES, categoryOf, cellOf, stratumOf, WON } from './cells.ts'
import { judgeReceipt } from './single-receipt.ts'

/**
 * `honest`: where it parted, its token is one that honest nodes choose, by how near a tie the position was. `beyond`: the whole output is
 * farther off than honest ones are. `unknown`: neither can be said.
 */
export type Divergence = 'honest' | 'beyond' | 'unknown'

/** How an output that parted from another's of the same request looks to a third who has the model. */
export interface DivergenceVerdict {
  divergence: Divergence
  /** Whether each of its tokens is one that honest nodes choose, and it says nothing wrong. */
  isExplicable: boolean
  /** Nats at temperature 1, each token's capped: the smaller, the nearer to what the judge would have answered. */
  meanMargin: number
}

/** Chance that an honest output is said to be beyond. */
const FALSE_ALARM = 1e-3
/** Honest nodes choose what fares as badly at so many of such positions, or more: of fewer a calibration has seen too little. */
const LEAST_HONEST_RATE = 1e-3

/**
 * Judges one of several outputs of a request that should have been alike, by the statistic of audits. Where two tokens are nearly as
 * likely honest machines differ; what they do where none is near no honest one does often.
 *
 * Without a calibration only what the judge would have chosen itself counts as honest, and nothing as beyond but what contradicts itself.
 * @param at place of the first token that differs from the other's; the output's length where it ended before
 * @throws {RangeError} when `scored` and `claim` are not of one output
 * @throws {AuditError} VERSION_MISMATCH, MISMATCH where the calibration is another's
 */
export function judgeDivergence(
  scored: ScoredOutput,
  claim: AuditClaim,
  at: number,
  calibration: Calibration | null,
): DivergenceVerdict {
  const assessment = assess(scored, claim)
  const { isInexplicable } = judgeReceipt(assessment, calibration, { falseAlarm: FALSE_ALARM, audits: 1 })
  const filtered = hasFilters(claim.sampling)
  const isHonest = (index: number) => {
    const category = categoryOf(scored.states[index]!, scored.margins[index]!)
    const stratum = stratumOf(scored.gaps?.[index], filtered)
    return category === WON || honestRate(stratum, category, calibration) >= LEAST_HONEST_RATE
  }
  const divergence: Divergence = isInexplicable
    ? 'beyond'
    : at < scored.states.length && isHonest(at)
      ? 'honest'
      : 'unknown'
  const isExplicable = !isInexplicable && Array.from(scored.states).every((_, index) => isHonest(index))
  return { divergence, isExplicable, meanMargin: assessment.meanMargin }
}

/** Share of honest tokens at positions as near a tie that fared as badly, or worse, when it was measured. */
function honestRate(stratum: number, category: number, calibration: Calibration | null): number {
  if (calibration === null) return 0
  let rate = 0
  for (let worse = category; worse < CATEGORIES; worse++) rate += calibration.rates[cellOf(stratum, worse)]!
  return rate
}
