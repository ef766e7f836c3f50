import type { SamplerId } from '../../protocol/messages/receipt.ts'
import {
  ABSENT,
  CELLS,
  cellOf,
  FILTERED,
  GAP_CLASSES,
  GROUP_CELLS,
  GROUPS,
  groupCell,
  isPossible,
  MARGIN_EDGES,
  STRATA,
  toGroups,
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
function deviations(sampler: SamplerId): readonly Float64Array[] {
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

/** What the groups of a stratum must leave to wins, so that a ratio stays finite. */
const LEAST_WINS = 0.02

/**
 * ln(alternative / honest) for each group of each stratum and each member of the family: rows of GROUP_CELLS numbers.
 *
 * The alternative takes for each group that is no win the greater of the honest bound and the deviation, and for wins what is
 * left. Then every such group counts at least nothing and a win at most nothing, so the expectation of the ratio is at most 1
 * for each honest provider whose chances are within the bounds, not only for one exactly at them.
 * @param upper `Calibration.upper`
 */
export function logRatios(upper: readonly number[], sampler: SamplerId): readonly Float64Array[] {
  return deviations(sampler).map(cells => {
    const chances = toGroups(cells)
    const ratios = new Float64Array(GROUP_CELLS)
    for (let stratum = 0; stratum < STRATA; stratum++) {
      const honest = upper[groupCell(stratum, 0)]!
      // Nothing is known of honest tokens here: nothing is said of others.
      if (honest <= LEAST_WINS) continue
      const excess = GROUPS.map((_, group) => {
        const at = groupCell(stratum, group)
        return group === 0 || !isPossible(stratum, group) ? 0 : Math.max(0, chances[at]! - upper[at]!)
      })
      const sum = excess.reduce((all, more) => all + more, 0)
      const taken = sum === 0 ? 0 : Math.min(1, (honest - LEAST_WINS) / sum)
      excess.forEach((more, group) => {
        const at = groupCell(stratum, group)
        ratios[at] = more === 0 ? 0 : Math.log1p((taken * more) / upper[at]!)
      })
      ratios[groupCell(stratum, 0)] = Math.log1p((-taken * sum) / honest)
    }
    return ratios
  })
}
