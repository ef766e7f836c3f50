import { VALUES_PER_PLAN } from './batch-problem.ts'
import { compareRows, crowdingDistance } from './dominance.ts'

/** The best plans met so far, none dominating another; of too many, the most crowded go. */
export class ParetoArchive {
  readonly #capacity: number
  readonly #genesPerPlan: number
  #genes: Int32Array
  #values: Float64Array
  #size = 0

  constructor(options: { capacity: number; genesPerPlan: number }) {
    this.#capacity = options.capacity
    this.#genesPerPlan = options.genesPerPlan
    // Thinned out in one go, not at each plan too many.
    const room = options.capacity * 2
    this.#genes = new Int32Array(room * options.genesPerPlan)
    this.#values = new Float64Array(room * VALUES_PER_PLAN)
  }

  get size(): number {
    return this.#size
  }

  get values(): Float64Array {
    return this.#values
  }

  genesOf(row: number): Int32Array {
    return this.#genes.slice(row * this.#genesPerPlan, (row + 1) * this.#genesPerPlan)
  }

  /** Takes a plan in unless one as good is there. */
  add(genes: Int32Array, geneRow: number, values: Float64Array, valueRow: number): void {
    for (let row = 0; row < this.#size; ) {
      const order = compareRows(this.#values, row, values, valueRow)
      if (order < 0 || (order === 0 && this.#equals(row, values, valueRow))) return
      if (order > 0) this.#move(--this.#size, row)
      else row++
    }
    const from = geneRow * this.#genesPerPlan
    this.#genes.set(genes.subarray(from, from + this.#genesPerPlan), this.#size * this.#genesPerPlan)
    const at = valueRow * VALUES_PER_PLAN
    this.#values.set(values.subarray(at, at + VALUES_PER_PLAN), this.#size * VALUES_PER_PLAN)
    this.#size++
    if (this.#size === this.#capacity * 2) this.thin()
  }

  /** Brings the number down to the capacity. Extremes stay: their crowding distance is infinite. */
  thin(): void {
    if (this.#size <= this.#capacity) return
    const rows = Array.from({ length: this.#size }, (_, row) => row)
    const distance = new Float64Array(this.#size)
    crowdingDistance(this.#values, rows, distance)
    const kept = rows.toSorted((a, b) => distance[b]! - distance[a]!).slice(0, this.#capacity)
    kept
      .sort((a, b) => a - b)
      .forEach((row, i) => {
        this.#move(row, i)
      })
    this.#size = this.#capacity
  }

  #equals(row: number, values: Float64Array, valueRow: number): boolean {
    for (let k = 0; k < VALUES_PER_PLAN; k++)
      if (this.#values[row * VALUES_PER_PLAN + k] !== values[valueRow * VALUES_PER_PLAN + k]) return false
    return true
  }

  #move(from: number, to: number): void {
    if (from === to) return
    const n = this.#genesPerPlan
    this.#genes.copyWithin(to * n, from * n, (from + 1) * n)
    this.#values.copyWithin(to * VALUES_PER_PLAN, from * VALUES_PER_PLAN, (from + 1) * VALUES_PER_PLAN)
  }
}
