import { setImmediate as othersTurn } from 'node:timers/promises'
import { Matrix, solve } from 'ml-matrix'
import type { Adapter, AdapterModule } from '../adapter.ts'

/** Keeps what is to be solved away from the singular; of the mean of the diagonal. */
const RIDGE = 1e-6

/**
 * What was left out of an update: ΔW_sent falls short of ΔW by (B − B̂)·A + B̂·(A − Â). Kept as an adapter of twice the rank, so
 * that it means something by itself: factors of the next round are turned and scaled otherwise than those of this one.
 * @param update what was to be said  @param sent what is said of it
 */
export async function residualOf(update: Adapter, sent: Adapter): Promise<Adapter> {
  const { rank } = update
  const modules: AdapterModule[] = []
  for (const [m, { name, inputs, outputs, a, b }] of update.modules.entries()) {
    await othersTurn()
    const { a: sentA, b: sentB } = sent.modules[m]!
    const stackedA = new Float32Array(2 * rank * inputs)
    stackedA.set(a)
    for (let i = 0; i < a.length; i++) stackedA[a.length + i] = a[i]! - sentA[i]!
    const stackedB = new Float32Array(outputs * 2 * rank)
    for (let o = 0; o < outputs; o++)
      for (let r = 0; r < rank; r++) {
        const from = o * rank + r
        stackedB[o * 2 * rank + r] = b[from]! - sentB[from]!
        stackedB[o * 2 * rank + rank + r] = sentB[from]!
      }
    modules.push({ name, inputs, outputs, a: stackedA, b: stackedB })
  }
  return { ...update, rank: 2 * rank, alpha: 2 * update.alpha, modules, metadata: {} }
}

/** Changes of factors. */
export interface FactorChanges {
  a: Float32Array
  b: Float32Array
}

/**
 * The changes of a parent's factors that come nearest to a residual D = R_B·R_A: F = D·Aᵀ(A·Aᵀ)⁻¹ for B, then
 * G = (Bᵀ·B)⁻¹Bᵀ(D − F·A) for A; least squares, one factor after the other, and D is never formed.
 * @param options.scale what D is multiplied by  @param options.freezeA only B may change
 */
export function changesFor(
  parent: AdapterModule,
  residual: AdapterModule,
  options: { rank: number; residualRank: number; scale: number; freezeA: boolean },
): FactorChanges {
  const { rank, residualRank, scale, freezeA } = options
  const { inputs, outputs } = parent
  // M = R_A·Aᵀ(A·Aᵀ)⁻¹ [residualRank][rank]: F = R_B·M.
  const towardsA = rowProducts(residual.a, parent.a, inputs, residualRank, rank)
  const m = solveSymmetric(rowProducts(parent.a, parent.a, inputs, rank, rank), towardsA.transpose())
    .transpose()
    .mul(scale)
  const b = combineColumns(residual.b, m, outputs)
  if (freezeA) return { a: new Float32Array(parent.a.length), b }
  // N = (Bᵀ·B)⁻¹Bᵀ·R_B [rank][residualRank]: G = N·(R_A − M·A).
  const towardsB = columnProducts(parent.b, residual.b, outputs, rank, residualRank)
  const n = solveSymmetric(columnProducts(parent.b, parent.b, outputs, rank, rank), towardsB)
  const a = combineRows(residual.a, Matrix.mul(n, scale), inputs)
  const ofA = combineRows(parent.a, n.mmul(m), inputs)
  for (let i = 0; i < a.length; i++) a[i]! -= ofA[i]!
  return { a, b }
}

/** X with S·X = R, and nothing where S is nothing: a factor of zeros has no direction in which it could be corrected. */
function solveSymmetric(s: Matrix, r: Matrix): Matrix {
  const mean = s.trace() / s.rows
  if (!(mean > 0)) return Matrix.zeros(s.rows, r.columns)
  return solve(Matrix.add(s, Matrix.eye(s.rows, s.rows, RIDGE * mean)), r)
}

/** X·Yᵀ of [p][n] and [q][n]. */
function rowProducts(x: Float32Array, y: Float32Array, n: number, p: number, q: number): Matrix {
  const products = Matrix.zeros(p, q)
  for (let i = 0; i < p; i++)
    for (let j = 0; j < q; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += x[i * n + k]! * y[j * n + k]!
      products.set(i, j, sum)
    }
  return products
}

/** Xᵀ·Y of [n][p] and [n][q]. */
function columnProducts(x: Float32Array, y: Float32Array, n: number, p: number, q: number): Matrix {
  const sums = new Float64Array(p * q)
  for (let k = 0; k < n; k++)
    for (let i = 0; i < p; i++) {
      const value = x[k * p + i]!
      for (let j = 0; j < q; j++) sums[i * q + j]! += value * y[k * q + j]!
    }
  return Matrix.from1DArray(p, q, [...sums])
}

/** M·X of M [p][q] and X [q][n]. */
function combineRows(x: Float32Array, m: Matrix, n: number): Float32Array {
  const combined = new Float32Array(m.rows * n)
  for (let i = 0; i < m.rows; i++)
    for (let j = 0; j < m.columns; j++) {
      const factor = m.get(i, j)
      for (let k = 0; k < n; k++) combined[i * n + k]! += factor * x[j * n + k]!
    }
  return combined
}

/** X·M of X [n][q] and M [q][p]. */
function combineColumns(x: Float32Array, m: Matrix, n: number): Float32Array {
  const { rows: q, columns: p } = m
  const factors = Float64Array.from(m.to1DArray())
  const combined = new Float32Array(n * p)
  for (let k = 0; k < n; k++)
    for (let i = 0; i < p; i++) {
      let sum = 0
      for (let j = 0; j < q; j++) sum += x[k * q + j]! * factors[j * p + i]!
      combined[k * p + i] = sum
    }
  return combined
}
