import type { Adapter } from './adapter.ts'

/** ⟨ΔW_x, ΔW_y⟩ (Frobenius) over all modules, without forming either: Σ s_x s_y tr((A_y A_xᵀ)(B_xᵀ B_y)). Ranks may differ. */
export function innerProduct(x: Adapter, y: Adapter): number {
  throw new Error(`not yet: ${x.name} ${y.name}`)
}

/** Inner products of all pairs, n×n row-major; those of (adapter − parent) where there is a parent. */
export function gramMatrix(adapters: readonly Adapter[], parent: Adapter | null): Float64Array {
  throw new Error(`not yet: ${adapters.length} ${parent?.name}`)
}
