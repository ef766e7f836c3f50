/** Steps for one eigenvalue; two are usual. */
const MAX_ITERATIONS = 64

/** Eigenvalues from the largest to the smallest, and their eigenvectors: [n][n], one a row. */
export interface Eigen {
  values: Float64Array
  vectors: Float64Array
}

/**
 * Eigenvalues and -vectors of a symmetric matrix: Householder reduction to tridiagonal form and QL with implicit
 * Wilkinson shifts (Golub & Van Loan, Matrix Computations, 4th ed., sections 8.3.1 and 8.3.5).
 *
 * Of our own because it runs on what strangers sent and everyone must get the same bits: the number of steps is bounded
 * (ml-matrix's can go on for ever where numbers underflow), and only + - * / and square roots are used. Vectors are
 * orthonormal to rounding whatever the input; eigenvalues are exact to rounding of the largest.
 *
 * @param matrix [n][n], finite; both halves are read
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  let largest = 0
  for (const value of matrix) largest = Math.max(largest, Math.abs(value))
  const rows = new Float64Array(n * n)
  for (let i = 0; i < n; i++) rows[i * n + i] = 1
  if (largest === 0) return { values: new Float64Array(n), vectors: rows }
  const work = matrix.map(value => value / largest)
  const { diagonal, beside } = tridiagonalise(work, rows, n)
  diagonalise(diagonal, beside, rows, n)
  const order = Array.from({ length: n }, (_, i) => i).sort((x, y) => diagonal[y]! - diagonal[x]! || x - y)
  const vectors = new Float64Array(n * n)
  for (const [k, i] of order.entries()) vectors.set(rows.subarray(i * n, (i + 1) * n), k * n)
  return { values: Float64Array.from(order, i => diagonal[i]! * largest), vectors }
}

/** Makes `work` tridiagonal; `rows` (the identity) becomes Qᵀ, so that matrix = Q T Qᵀ. */
function tridiagonalise(
  work: Float64Array,
  rows: Float64Array,
  n: number,
): { diagonal: Float64Array; beside: Float64Array } {
  const v = new Float64Array(n)
  const w = new Float64Array(n)
  for (let k = 0; k < n - 2; k++) {
    let squared = 0
    for (let i = k + 1; i < n; i++) {
      v[i] = work[i * n + k]!
      squared += v[i]! * v[i]!
    }
    const norm = Math.sqrt(squared)
    if (norm === 0) continue
    const head = v[k + 1]! > 0 ? -norm : norm
    const first = v[k + 1]! - head
    v[k + 1] = first
    // ‖v‖² = 2·norm·(norm + |x₀|), without cancellation.
    const scale = 1 / (norm * Math.abs(first))
    if (!Number.isFinite(scale)) continue
    let product = 0
    for (let i = k + 1; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += work[i * n + j]! * v[j]!
      w[i] = scale * sum
      product += w[i]! * v[i]!
    }
    const half = 0.5 * scale * product
    for (let i = k + 1; i < n; i++) w[i]! -= half * v[i]!
    for (let i = k + 1; i < n; i++) {
      const [vi, wi] = [v[i]!, w[i]!]
      for (let j = k + 1; j < n; j++) work[i * n + j]! -= vi * w[j]! + wi * v[j]!
    }
    work[(k + 1) * n + k] = head
    w.fill(0)
    for (let i = k + 1; i < n; i++) for (let j = 0; j < n; j++) w[j]! += v[i]! * rows[i * n + j]!
    for (let i = k + 1; i < n; i++) {
      const factor = scale * v[i]!
      for (let j = 0; j < n; j++) rows[i * n + j]! -= factor * w[j]!
    }
  }
  const diagonal = new Float64Array(n)
  const beside = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    diagonal[i] = work[i * n + i]!
    if (i + 1 < n) beside[i] = work[(i + 1) * n + i]!
  }
  return { diagonal, beside }
}

/** QL steps until the elements beside the diagonal are nothing beside the largest of all. */
function diagonalise(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  let size = 0
  for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(d[i]!) + Math.abs(e[i]!))
  const nothing = Number.EPSILON * size
  for (let l = 0; l < n; l++) {
    for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
      let m = l
      while (m < n - 1 && Math.abs(e[m]!) > nothing) m++
      if (m === l) break
      step(d, e, rows, n, l, m)
    }
  }
}

/** One implicit QL step on the block l … m. */
function step(d: Float64Array, e: Float64Array, rows: Float64Array, n: number, l: number, m: number): void {
  const ratio = (d[l + 1]! - d[l]!) / (2 * e[l]!)
  const length = Math.sqrt(ratio * ratio + 1)
  let g = d[m]! - d[l]! + e[l]! / (ratio < 0 ? ratio - length : ratio + length)
  let [s, c, p] = [1, 1, 0]
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!
    const b = c * e[i]!
    const r = Math.sqrt(f * f + g * g)
    e[i + 1] = r
    if (r === 0) {
      d[i + 1]! -= p
      e[m] = 0
      return
    }
    s = f / r
    c = g / r
    g = d[i + 1]! - p
    const t = (d[i]! - g) * s + 2 * c * b
    p = s * t
    d[i + 1] = g + p
    g = c * t - b
    rotate(rows, i * n, n, s, c)
  }
  d[l]! -= p
  e[l] = g
  e[m] = 0
}

/** Turns two neighbouring rows. */
function rotate(rows: Float64Array, start: number, n: number, s: number, c: number): void {
  for (let k = start; k < start + n; k++) {
    const [x, y] = [rows[k]!, rows[k + n]!]
    rows[k + n] = s * x + c * y
    rows[k] = c * x - s * y
  }
}
