import type { Adapter, AdapterModule } from './adapter.ts'
import { AdapterError } from './errors.ts'
import { ThinMatrix } from './thin-matrix.ts'

/** Factors of one module from several adapters beside each other: ΔW = Σ_k b_k a_kᵀ, all scales in b. */
export interface ModuleFactors {
  name: string
  inputs: number
  outputs: number
  /** Rows of the A's. */
  a: ThinMatrix
  /** Columns of the B's, times weight · alpha / rank. */
  b: ThinMatrix
}

/**
 * ⟨ΔW_x, ΔW_y⟩ (Frobenius) over all modules without forming either: Σ s_x s_y tr((A_y A_xᵀ)(B_xᵀ B_y)), from
 * tr(XᵀY) = tr(A_xᵀ B_xᵀ B_y A_y). Ranks may differ.
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE
 */
export function innerProduct(x: Adapter, y: Adapter): number {
  return gramMatrix([x, y], null)[1]!
}

/**
 * Inner products of all pairs, [n][n] row-major; of (adapter − parent) where there is a parent.
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE
 */
export function gramMatrix(adapters: readonly Adapter[], parent: Adapter | null): Float64Array {
  const all = parent === null ? adapters : [...adapters, parent]
  const raw = rawGram(all)
  if (parent === null) return raw
  const [n, m] = [adapters.length, all.length]
  const result = new Float64Array(n * n)
  const at = (i: number, j: number) => raw[i * m + j]!
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) result[i * n + j] = at(i, j) - at(i, n) - (at(n, j) - at(n, n))
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) result[i * n + j] = result[j * n + i]!
  return result
}

/**
 * Makes sure that adapters can be added.
 * @throws {AdapterError} WRONG_MODULES, WRONG_SHAPE, WRONG_BASE, WRONG_ARCHITECTURE
 */
export function checkSummable(adapters: readonly Adapter[]): void {
  const [first, ...others] = adapters
  if (first === undefined) return
  for (const other of others) {
    if (other.base !== first.base)
      throw refuse('WRONG_BASE', `${other.name} is for ${other.base}, not for ${first.base}`)
    if (other.architecture !== first.architecture)
      throw refuse('WRONG_ARCHITECTURE', `${other.name} is for ${other.architecture}`)
    if (other.modules.length !== first.modules.length)
      throw refuse('WRONG_MODULES', `${other.name} has other modules`)
    for (const [i, module] of other.modules.entries()) {
      const expected = first.modules[i]!
      if (module.name !== expected.name) throw refuse('WRONG_MODULES', `${other.name} has ${module.name}`)
      if (module.inputs !== expected.inputs || module.outputs !== expected.outputs)
        throw refuse('WRONG_SHAPE', `${module.name} of ${other.name} is ${module.inputs}×${module.outputs}`)
    }
  }
}

/**
 * Puts the factors of one module beside each other. Parts with the very same A (FFA) share its rows, their B's added.
 * @param index of the module
 */
export function moduleFactors(
  parts: readonly { adapter: Adapter; weight: number }[],
  index: number,
  options: { isShared: boolean } = { isShared: true },
): ModuleFactors {
  const { name, inputs, outputs } = parts[0]!.adapter.modules[index]!
  const groups: { a: Float32Array; rank: number; members: { b: Float32Array; scale: number }[] }[] = []
  for (const { adapter, weight } of parts) {
    const module: AdapterModule = adapter.modules[index]!
    const member = { b: module.b, scale: (weight * adapter.alpha) / adapter.rank }
    const same = options.isShared ? groups.find(group => isSame(group.a, module.a)) : undefined
    if (same) same.members.push(member)
    else groups.push({ a: module.a, rank: adapter.rank, members: [member] })
  }
  const count = groups.reduce((sum, group) => sum + group.rank, 0)
  const [a, b] = [new ThinMatrix(count, inputs), new ThinMatrix(count, outputs)]
  let done = 0
  for (const group of groups) {
    a.values.set(group.a, done * inputs)
    for (const { b: values, scale } of group.members) {
      for (let k = 0; k < group.rank; k++) {
        const column = b.vector(done + k)
        for (let o = 0; o < outputs; o++) column[o]! += scale * values[o * group.rank + k]!
      }
    }
    done += group.rank
  }
  return { name, inputs, outputs, a, b }
}

function rawGram(adapters: readonly Adapter[]): Float64Array {
  checkSummable(adapters)
  const n = adapters.length
  const result = new Float64Array(n * n)
  const parts = adapters.map(adapter => ({ adapter, weight: 1 }))
  const starts = [0]
  for (const { rank } of adapters) starts.push(starts.at(-1)! + rank)
  const modules = adapters[0]?.modules.length ?? 0
  for (let index = 0; index < modules; index++) {
    const { a, b } = moduleFactors(parts, index, { isShared: false })
    const [ofA, ofB] = [a.gram(), b.gram()]
    for (let i = 0; i < n; i++) {
      for (let j = i; j < n; j++) {
        let sum = 0
        for (let p = starts[i]!; p < starts[i + 1]!; p++)
          for (let q = starts[j]!; q < starts[j + 1]!; q++)
            sum += ofA[p * a.count + q]! * ofB[p * a.count + q]!
        result[i * n + j]! += sum
      }
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) result[i * n + j] = result[j * n + i]!
  return result
}

function isSame(x: Float32Array, y: Float32Array): boolean {
  if (x === y) return true
  if (x.length !== y.length) return false
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false
  return true
}

function refuse(
  code: 'WRONG_BASE' | 'WRONG_ARCHITECTURE' | 'WRONG_MODULES' | 'WRONG_SHAPE',
  message: string,
) {
  return new AdapterError(code, `Adapters cannot be added: ${message}.`, {
    fix: 'Leave out what was made for another model or with other modules.',
  })
}
