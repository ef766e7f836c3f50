import type { Adapter, AdapterModule } from './adapter.ts'
import { checkSummable, type ModuleFactors, moduleFactors } from './factors.ts'
import { symmetricEigen } from './symmetric-eigen.ts'
import { qr, type ThinMatrix } from './thin-matrix.ts'

/** A sum Σ weight · ΔW of adapters, kept as their factors. */
export interface Stacked {
  parts: readonly { adapter: Adapter; weight: number }[]
}

export interface StackingTarget {
  rank: number
  alpha: number
  name: string
  metadata?: Readonly<Record<string, string>>
}

/**
 * The exact sum Σ wᵢ ΔWᵢ: factors beside each other, B = [w₁s₁B₁ w₂s₂B₂ …] and A = [A₁; A₂; …], multiply to it
 * (FLoRA, arXiv 2409.05976, section 3.2; FedEx-LoRA, arXiv 2410.09432). The mean of A's times the mean of B's does not.
 * @throws {RangeError} of nothing
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE
 */
export function stack(parts: readonly { adapter: Adapter; weight: number }[]): Stacked {
  if (parts.length === 0) throw new RangeError('nothing to add')
  checkSummable(parts.map(({ adapter }) => adapter))
  return { parts }
}

/**
 * The nearest adapter of a rank in the Frobenius norm (Eckart & Young, 1936): Aᵀ = QR, so ΔW = (B Rᵀ) Qᵀ; the right
 * singular vectors V of the small-sided B Rᵀ give B' = B Rᵀ V and A' = (QV)ᵀ. A' has orthonormal rows, also where there
 * is less to hold than the rank has room for: a row of zeros on both sides could never learn again.
 *
 * @returns the adapter and the share of ‖ΔW‖² (squared Frobenius norm) that did not fit
 */
export function reduceToRank(
  stacked: Stacked,
  target: StackingTarget,
): { adapter: Adapter; discardedEnergy: number } {
  const { architecture, base, modules } = stacked.parts[0]!.adapter
  let [total, discarded] = [0, 0]
  const reduced = modules.map((_, index): AdapterModule => {
    const result = reduceModule(moduleFactors(stacked.parts, index), target)
    total += result.total
    discarded += result.discarded
    return result.module
  })
  const { name, rank, alpha, metadata = {} } = target
  return {
    adapter: { architecture, base, name, rank, alpha, modules: reduced, metadata },
    discardedEnergy: total === 0 ? 0 : discarded / total,
  }
}

function reduceModule(
  factors: ModuleFactors,
  { rank, alpha }: StackingTarget,
): { module: AdapterModule; total: number; discarded: number } {
  const { a, b } = factors
  const toScale = rank / alpha
  // One A alone (FFA, or one update) stays as it is: nothing to turn, nothing lost.
  if (a.count === rank) {
    const total = energy(a, b)
    return { module: moduleOf(factors, a, b, { rank, toScale }), total, discarded: 0 }
  }
  const { steps, r, expand } = qr(a)
  const m = b.combine(r, steps)
  const { values, vectors } = symmetricEigen(m.gram(), steps)
  const kept = Math.min(rank, steps)
  const width = Math.min(Math.max(rank, steps), a.length)
  const coordinates = new Float64Array(rank * width)
  for (let k = 0; k < kept; k++)
    for (let i = 0; i < steps; i++) coordinates[k * width + i] = vectors[k * steps + i]!
  for (let k = kept; k < Math.min(rank, width); k++) coordinates[k * width + k] = 1
  const newA = expand(coordinates, rank)
  const newB = m.combine(vectors.subarray(0, kept * steps), kept)
  makeSignsCanonical(newA, newB)
  let [total, discarded] = [0, 0]
  for (let k = 0; k < steps; k++) {
    const value = Math.max(values[k]!, 0)
    total += value
    if (k >= kept) discarded += value
  }
  return { module: moduleOf(factors, newA, newB, { rank, toScale }), total, discarded }
}

/** A singular pair may have either sign: the element of A's row that is largest (the first of such) becomes positive. */
function makeSignsCanonical(a: ThinMatrix, b: ThinMatrix): void {
  for (let k = 0; k < b.count; k++) {
    const row = a.vector(k)
    let largest = 0
    for (const value of row) if (Math.abs(value) > Math.abs(largest)) largest = value
    if (largest >= 0) continue
    for (let i = 0; i < row.length; i++) row[i] = -row[i]!
    const column = b.vector(k)
    for (let i = 0; i < column.length; i++) column[i] = -column[i]!
  }
}

function moduleOf(
  { name, inputs, outputs }: ModuleFactors,
  a: ThinMatrix,
  b: ThinMatrix,
  { rank, toScale }: { rank: number; toScale: number },
): AdapterModule {
  const newB = new Float32Array(outputs * rank)
  for (let k = 0; k < b.count; k++) {
    const column = b.vector(k)
    for (let o = 0; o < outputs; o++) newB[o * rank + k] = toScale * column[o]!
  }
  return { name, inputs, outputs, a: Float32Array.from(a.values), b: newB }
}

/** ‖BA‖² by the Gram matrices of both. */
function energy(a: ThinMatrix, b: ThinMatrix): number {
  const [ofA, ofB] = [a.gram(), b.gram()]
  let sum = 0
  for (let i = 0; i < ofA.length; i++) sum += ofA[i]! * ofB[i]!
  return sum
}
