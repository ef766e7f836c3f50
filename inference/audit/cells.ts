/**
 * Where one output token stands in an audit: a cell is a stratum (what the auditor's own model says of the
 * position) and a category (how the claimed token fared there). Edges are fixed by the version: counts of
 * different versions are never compared.
 *
 * The statistic is Token-DiFR's margin (arXiv 2511.20621, section 3: the lead of the reference's winner over the claimed
 * token, both with the shared Gumbel noise, capped), taken apart by how near a tie the position was. An honest
 * provider's token loses where its numeric noise exceeds the gap between the two best; how many positions are near
 * ties depends on the prompt and the temperature, how often each kind is lost hardly does.
 */
export const STATISTIC_VERSION = 1

/** Upper edges of the gap between the auditor's winner and its runner-up, nats at temperature 1. */
const GAP_EDGES = [0.03, 0.1, 0.3, 1] as const
/** Upper edges of the margin by which a token lost, nats at temperature 1. */
export const MARGIN_EDGES = [0.03, 0.1, 0.3, 1, 3] as const
/** Margins count as this at most in means; so does a token that was filtered or absent. */
export const MARGIN_CAP = 5

/** Gap classes, and one for positions whose gap is not known. */
export const GAP_CLASSES = GAP_EDGES.length + 2
export const UNKNOWN_GAP = GAP_CLASSES - 1
/** Each with and without filters (top-k, top-p, min-p), at whose edges honest nodes differ by more. */
export const STRATA = 2 * GAP_CLASSES

export const WON = 0
/** `lost` takes 1 to MARGIN_EDGES.length + 1, by margin. */
export const FILTERED = MARGIN_EDGES.length + 2
export const ABSENT = FILTERED + 1
export const CATEGORIES = ABSENT + 1
export const CELLS = STRATA * CATEGORIES

export function stratumOf(gap: number | undefined, hasFilters: boolean): number {
  const base = hasFilters ? GAP_CLASSES : 0
  if (gap === undefined || Number.isNaN(gap)) return base + UNKNOWN_GAP
  return base + classOf(gap, GAP_EDGES)
}

/** @param state 0 won, 1 lost, 2 filtered, 3 absent */
export function categoryOf(state: number, margin: number): number {
  switch (state) {
    case 0:
      return WON
    case 1:
      return 1 + classOf(margin, MARGIN_EDGES)
    case 2:
      return FILTERED
    default:
      return ABSENT
  }
}

export function cellOf(stratum: number, category: number): number {
  return stratum * CATEGORIES + category
}

/**
 * What tests tell apart: cells are counted finely, so that they can be read and so that later tests can judge better, but each bound
 * of a rate costs samples.
 */
export const GROUPS = ['won', 'near', 'far', 'filtered'] as const
/** Margins up to this edge count as near: numeric noise makes them, and finer quantisations do. */
const NEAR_MARGINS = MARGIN_EDGES.indexOf(0.3) + 1

/** Place in GROUPS of a category. What filters take out is told apart where there are filters. */
export function groupOf(stratum: number, category: number): number {
  if (category === WON) return 0
  if (category <= NEAR_MARGINS) return 1
  return category === FILTERED && stratum >= GAP_CLASSES ? 3 : 2
}

/** Whether a token can be in a group at all: none loses by less than the gap. */
export function isPossible(stratum: number, group: number): boolean {
  const gapClass = stratum % GAP_CLASSES
  if (group === 1) return gapClass === UNKNOWN_GAP || gapClass < NEAR_MARGINS
  return group !== 3 || stratum >= GAP_CLASSES
}

/** Place of a group in a list of all strata's groups. */
export function groupCell(stratum: number, group: number): number {
  return stratum * GROUPS.length + group
}

export const GROUP_CELLS = STRATA * GROUPS.length

/** Sums over the categories of each group, GROUP_CELLS numbers. */
export function toGroups(cells: ArrayLike<number>): Float64Array {
  const groups = new Float64Array(GROUP_CELLS)
  for (let cell = 0; cell < CELLS; cell++) {
    const stratum = Math.floor(cell / CATEGORIES)
    groups[groupCell(stratum, groupOf(stratum, cell % CATEGORIES))]! += cells[cell]!
  }
  return groups
}

/** Index of the first edge that `value` does not exceed. */
function classOf(value: number, edges: readonly number[]): number {
  const index = edges.findIndex(edge => value <= edge)
  return index === -1 ? edges.length : index
}
