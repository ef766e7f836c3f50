/** Dominance among rows of values whose first three are minimised and whose fifth is the violation of constraints. */
import { OBJECTIVES, VALUES_PER_PLAN } from './batch-problem.ts'

const VIOLATION = 4

/**
 * Constrained domination (Deb et al. 2002, definition 1): feasible before infeasible, the lesser violation
 * before the greater, and among feasible ones Pareto dominance.
 * @returns −1 when row a dominates row b, 1 when b dominates a, 0 when neither does
 */
export function compareRows(a: Float64Array, rowA: number, b: Float64Array, rowB: number): -1 | 0 | 1 {
  const atA = rowA * VALUES_PER_PLAN
  const atB = rowB * VALUES_PER_PLAN
  const violationA = a[atA + VIOLATION]!
  const violationB = b[atB + VIOLATION]!
  if (violationA !== violationB) return violationA < violationB ? -1 : 1
  let aBetter = false
  let bBetter = false
  for (let k = 0; k < OBJECTIVES; k++) {
    const difference = a[atA + k]! - b[atB + k]!
    if (difference < 0) aBetter = true
    else if (difference > 0) bBetter = true
  }
  if (aBetter === bBetter) return 0
  return aBetter ? -1 : 1
}

/**
 * Fast non-dominated sorting (Deb et al. 2002, section III-A).
 * @returns front number of each row, 0 the best
 */
export function rankFronts(values: Float64Array, rows: number): Int32Array {
  const front = new Int32Array(rows).fill(-1)
  const dominatedBy = new Int32Array(rows)
  const dominates: number[][] = Array.from({ length: rows }, () => [])
  for (let a = 0; a < rows; a++) {
    for (let b = a + 1; b < rows; b++) {
      const order = compareRows(values, a, values, b)
      if (order < 0) {
        dominates[a]!.push(b)
        dominatedBy[b]!++
      } else if (order > 0) {
        dominates[b]!.push(a)
        dominatedBy[a]!++
      }
    }
  }
  let current: number[] = []
  for (let row = 0; row < rows; row++) if (dominatedBy[row] === 0) current.push(row)
  for (let rank = 0; current.length > 0; rank++) {
    const next: number[] = []
    for (const row of current) {
      front[row] = rank
      for (const below of dominates[row]!) if (--dominatedBy[below]! === 0) next.push(below)
    }
    current = next
  }
  return front
}

/**
 * Crowding distance of the rows of one front (Deb et al. 2002, section III-B); extremes are infinite.
 * @param rows row numbers of the front
 * @param distance written at each row number
 */
export function crowdingDistance(
  values: Float64Array,
  rows: readonly number[],
  distance: Float64Array,
): void {
  for (const row of rows) distance[row] = 0
  for (let k = 0; k < OBJECTIVES; k++) {
    const objective = (row: number) => values[row * VALUES_PER_PLAN + k]!
    const sorted = rows.toSorted((a, b) => objective(a) - objective(b))
    const first = sorted[0]!
    const last = sorted[sorted.length - 1]!
    const span = objective(last) - objective(first)
    distance[first] = Number.POSITIVE_INFINITY
    distance[last] = Number.POSITIVE_INFINITY
    if (span === 0) continue
    for (let i = 1; i < sorted.length - 1; i++)
      distance[sorted[i]!]! += (objective(sorted[i + 1]!) - objective(sorted[i - 1]!)) / span
  }
}
