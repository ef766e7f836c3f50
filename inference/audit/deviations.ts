import type { SamplerId } from './assessment.ts'
import {
  ABSENT,
  CATEGORIES,
  CELLS,
  cellOf,
  FILTERED,
  GAP_CLASSES,
  MARGIN_EDGES,
  STRATA,
  UNKNOWN_GAP,
  WON,
} from './cells.ts'
import { normalTail } from './distributions.ts'

/**
 * What cheats are taken to look like (the alternative hypothesis): their model's scores are the claimed model's plus
 * Gaussian noise, so that a token loses by more than m where the noise on the gap of the two best exceeds m.
 * The weakest is that of a finer quantisation, the strongest that of another model, a wrong seed or a copied answer.
 */
export const DISTURBANCES = [0.1, 0.3, 1, 3] as const
/** Shares of absent tokens, where a sampler cannot be repeated and nothing else tells. */
const ABSENT_SHARES = [0.01, 0.03, 0.1, 0.3] as const
/** Shares of receipts that are made so; the rest is honest work. */
export const CHEATED_SHARES = [1, 0.3, 0.05] as const
/** How a cheat's lost tokens are taken to fall outside the candidates. */
const FILTERED_SHARE = 0.15
const ABSENT_SHARE = 0.05

/** Gaps that stand for each class of GAP_EDGES and the open one above. */
const TYPICAL_GAPS: readonly (readonly number[])[] = [[0.015], [0.06], [0.18], [0.4, 0.8], [1.5, 3, 6, 12]]
/** How often classes occur, about, where gaps are not known. */
const TYPICAL_SHARES = [0.01, 0.02, 0.05, 0.12, 0.8] as const

/**
 * Chance of each cell within its stratum, for each member of the family: rows of CELLS numbers, mildest first.
 */
export function deviations(sampler: SamplerId): readonly Float64Array[] {
  return sampler === 'engine' ? ABSENT_SHARES.map(absentOnly) : DISTURBANCES.map(disturbed)
}

function disturbed(deviation: number): Float64Array {
  const chances = new Float64Array(CELLS)
  for (let stratum = 0; stratum < STRATA; stratum++) {
    const hasFilters = stratum >= GAP_CLASSES
    const gapClass = stratum % GAP_CLASSES
    const shares = TYPICAL_GAPS.map((_, index) =>
      gapClass === UNKNOWN_GAP ? TYPICAL_SHARES[index]! : Number(index === gapClass),
    )
    /** Chance that a token loses by more than `margin`. */
    const beyond = (margin: number) =>
      TYPICAL_GAPS.reduce((sum, gaps, index) => {
        const mean = gaps.reduce((all, gap) => all + normalTail(Math.max(gap, margin) / deviation), 0)
        return sum + (shares[index]! * mean) / gaps.length
      }, 0)
    const lost = beyond(0)
    const outside = (hasFilters ? FILTERED_SHARE : 0) + ABSENT_SHARE
    chances[cellOf(stratum, WON)] = 1 - lost
    for (let index = 0; index <= MARGIN_EDGES.length; index++) {
      const from = beyond(MARGIN_EDGES[index - 1] ?? 0)
      const to = index === MARGIN_EDGES.length ? 0 : beyond(MARGIN_EDGES[index]!)
      chances[cellOf(stratum, 1 + index)] = (from - to) * (1 - outside)
    }
    chances[cellOf(stratum, FILTERED)] = hasFilters ? lost * FILTERED_SHARE : 0
    chances[cellOf(stratum, ABSENT)] = lost * ABSENT_SHARE
  }
  return chances
}

function absentOnly(share: number): Float64Array {
  const chances = new Float64Array(CELLS)
  for (let stratum = 0; stratum < STRATA; stratum++) {
    chances[cellOf(stratum, WON)] = 1 - share
    chances[cellOf(stratum, ABSENT)] = share
  }
  return chances
}

/** Shares the cells of a stratum must leave to wins, so that a ratio stays finite. */
const LEAST_WINS = 0.02

/**
 * ln(alternative / honest) for each cell and each member of the family.
 *
 * The alternative takes for each cell that is no win the greater of the honest bound and the deviation, and for wins what is
 * left. Then every such cell counts at least nothing and a win at most nothing, so the expectation of the ratio is at most 1
 * for each honest provider whose chances are within the bounds, not only for one exactly at them.
 */
export function logRatios(upper: readonly number[], sampler: SamplerId): readonly Float64Array[] {
  return deviations(sampler).map(chances => {
    const ratios = new Float64Array(CELLS)
    for (let stratum = 0; stratum < STRATA; stratum++) {
      const honest = upper[cellOf(stratum, WON)]!
      // Nothing is known of honest tokens here: nothing is said of others.
      if (honest <= LEAST_WINS) continue
      let excess = 0
      for (let category = 1; category < CATEGORIES; category++) {
        const cell = cellOf(stratum, category)
        excess += Math.max(0, chances[cell]! - upper[cell]!)
      }
      const taken = Math.min(1, (honest - LEAST_WINS) / (excess || 1))
      for (let category = 1; category < CATEGORIES; category++) {
        const cell = cellOf(stratum, category)
        const more = taken * Math.max(0, chances[cell]! - upper[cell]!)
        ratios[cell] = more === 0 ? 0 : Math.log1p(more / upper[cell]!)
      }
      ratios[cellOf(stratum, WON)] = Math.log1p((-taken * excess) / honest)
    }
    return ratios
  })
}
