import { symmetricEigen } from '../../../inference/learning/symmetric-eigen.ts'
import { clipFactors } from './clipping.ts'
import { type Gram, medianOf, normalise } from './gram.ts'
import type { WeightReason } from './rules.ts'

/** Shorter than this share of the median update is no work. */
const EMPTY_SHARE = 0.1
/** Two that point this much the same way were not trained apart: others' data differ by more. */
const COPY_COSINE = 0.985
/** Who agrees with a majority less than this share of what is usual is alone. */
const LONELY_SHARE = 0.5
/** Where even a usual agreement is less than this cosine, everyone is alone. */
const LEAST_AGREEMENT = 0.05
/** A minority is a faction when it agrees with the majority less than this share of what it agrees with itself … */
const FACTION_SHARE = 0.6
/** … and less than this share of what the majority agrees with itself: without a common ground nobody is a faction. */
const GROUND_SHARE = 0.7
/** … and by at least this cosine less: domains differ a little in how much they have in common with others. */
const GROUND_MARGIN = 0.08
const MAX_REGROUPINGS = 16

/**
 * The default rule: what measured best over all attacks of `learning-poison.bench.ts`, by angles between updates alone.
 *
 * 1. Updates of next to no length (free riders) are left out; copies share one voice.
 * 2. All are clipped to the median length.
 * 3. Who has no majority that it agrees with, as others have, is left out: noise, and work against the others.
 * 4. The updates are parted in two along each main direction in which they differ. If the smaller part agrees with the
 *    larger far less than each with itself, it pursues an aim of its own that is none of the others' (a backdoor).
 * 5. Weighted mean of the rest.
 *
 * More than half of the members must be honest, and what they learn must have something in common: where each has a
 * domain of its own, no geometry tells a domain from a backdoor, nobody is left out by 4, and what protects is the
 * scores, the vote and the general validation set. One attacker alone is like one with a rare domain, too.
 *
 * Related: FLAME (arXiv 2101.02281) parts by angles as well; FoolsGold (arXiv 1808.04866) looks for likeness alone, which
 * members with like data have.
 */
export function consensus(
  gram: Gram,
  weights: readonly number[],
): { coefficients: readonly number[]; reasons: readonly WeightReason[] } {
  const n = gram.size
  const reasons: WeightReason[] = Array.from({ length: n }, () => 'kept')
  const norms = gram.norms()
  const usual = medianOf(norms)
  for (let i = 0; i < n; i++) if (norms[i]! <= EMPTY_SHARE * usual) reasons[i] = 'empty'
  const voices = indicesOf(reasons, 'kept')
  for (const i of voices) {
    const isCopy = voices.some(j => j < i && reasons[j] === 'kept' && gram.cosine(i, j) > COPY_COSINE)
    if (isCopy) reasons[i] = 'copy'
  }
  for (;;) {
    const kept = indicesOf(reasons, 'kept')
    const out = [lonely, faction].map(find => find(gram.select(kept))).find(found => found.length > 0)
    if (out === undefined) break
    for (const i of out) reasons[kept[i]!] = 'outlier'
  }
  const kept = indicesOf(reasons, 'kept')
  const factors = clipFactors(gram.select(kept))
  const shares = normalise(kept.map(i => weights[i]!))
  const coefficients: number[] = Array.from({ length: n }, () => 0)
  for (const [k, i] of kept.entries()) {
    coefficients[i] = shares[k]! * factors[k]!
    if (factors[k]! < 1) reasons[i] = 'clipped'
  }
  return { coefficients, reasons }
}

/**
 * Those whose agreement with a majority, the cosine that half of the others reach, is far below what is usual. However
 * the minority behaves, each honest member has at least that many honest others.
 */
function lonely(gram: Gram): number[] {
  const half = Math.floor(gram.size / 2)
  if (half < 2) return []
  const agreements = Array.from({ length: gram.size }, (_, i) => {
    const cosines = others(gram.size, i).map(j => gram.cosine(i, j))
    return cosines.toSorted((x, y) => y - x)[half - 1]!
  })
  const usual = medianOf(agreements)
  if (usual < LEAST_AGREEMENT) return []
  return minorityOf(
    gram.size,
    agreements.flatMap((agreement, i) => (agreement < LONELY_SHARE * usual ? [i] : [])),
  )
}

/** A party of its own, along any of the main directions in which updates differ. */
function faction(gram: Gram): number[] {
  const n = gram.size
  if (n < 5) return []
  const directions = mainDirections(gram)
  for (let k = 0; 2 * k < n; k++) {
    const side = Array.from(directions.subarray(k * n, (k + 1) * n), value => value > 0)
    const found = partyOf(gram, settled(gram, side))
    if (found.length > 0) return found
  }
  return []
}

/** Moves each to the part that it is more like, until nobody moves. */
function settled(gram: Gram, side: boolean[]): boolean[] {
  const n = gram.size
  for (let round = 0; round < MAX_REGROUPINGS; round++) {
    const next = side.map((_, i) => {
      const likeness = (which: boolean) => {
        const group = others(n, i).filter(j => side[j] === which)
        return group.length === 0 ? -1 : group.reduce((sum, j) => sum + gram.cosine(i, j), 0) / group.length
      }
      return likeness(true) > likeness(false)
    })
    if (next.every((value, i) => value === side[i])) break
    side = next
  }
  return side
}

/** The smaller of two parts, if it agrees with the larger far less than each with itself. */
function partyOf(gram: Gram, side: readonly boolean[]): number[] {
  const parts = [true, false].map(which => side.flatMap((value, i) => (value === which ? [i] : [])))
  const [small, large] = parts.toSorted((x, y) => x.length - y.length) as [number[], number[]]
  if (small.length < 2 || small.length === large.length) return []
  const cosines = (of: readonly number[], to: readonly number[]) =>
    of.flatMap(i => to.flatMap(j => (i === j ? [] : [gram.cosine(i, j)])))
  const [between, ground] = [medianOf(cosines(small, large)), medianOf(cosines(large, large))]
  const isApart =
    between < FACTION_SHARE * medianOf(cosines(small, small)) &&
    between < GROUND_SHARE * ground &&
    between < ground - GROUND_MARGIN
  return isApart ? minorityOf(gram.size, small) : []
}

/** Principal directions of the unit vectors, their mean taken away, the main one first: [n][n]. */
function mainDirections(gram: Gram): Float64Array {
  const n = gram.size
  const cosines = Float64Array.from({ length: n * n }, (_, index) => {
    const [i, j] = [Math.floor(index / n), index % n]
    return i === j ? 1 : gram.cosine(i, j)
  })
  const means = Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let j = 0; j < n; j++) sum += cosines[i * n + j]!
    return sum / n
  })
  let mean = 0
  for (const value of means) mean += value / n
  const centred = cosines.map(
    (value, index) => value - means[Math.floor(index / n)]! - means[index % n]! + mean,
  )
  return symmetricEigen(centred, n).vectors
}

/** Only a minority may be left out. */
function minorityOf(n: number, found: readonly number[]): number[] {
  return 2 * found.length < n ? [...found] : []
}

function others(n: number, i: number): number[] {
  return Array.from({ length: n }, (_, j) => j).filter(j => j !== i)
}

function indicesOf(reasons: readonly WeightReason[], wanted: WeightReason): number[] {
  return reasons.flatMap((reason, i) => (reason === wanted ? [i] : []))
}
