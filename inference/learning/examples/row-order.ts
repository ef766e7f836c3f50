import { SeededNumbers } from '../seeded-numbers.ts'
import { packRows } from './packing.ts'

/** How far training has come in its rows. */
export interface RowCursor {
  /** Passes over the whole text that are done. */
  epoch: number
  /** Rows of this pass that are done. */
  row: number
}

/** An endless order of rows: every pass shuffles the pieces and packs them anew. It depends on the seed alone. */
export class RowOrder {
  readonly #lengths: readonly number[]
  readonly #rowTokens: number
  readonly #seed: number
  #packed: { epoch: number; rows: number[][] } | null = null

  constructor(options: { lengths: readonly number[]; rowTokens: number; seed: number }) {
    this.#lengths = options.lengths
    this.#rowTokens = options.rowTokens
    this.#seed = options.seed
  }

  /** Rows of one pass. */
  rows(epoch: number): readonly (readonly number[])[] {
    if (this.#packed?.epoch !== epoch) {
      const numbers = new SeededNumbers(this.#seed, `order ${epoch}`)
      const order = numbers.shuffle([...this.#lengths.keys()])
      const rows = numbers.shuffle(packRows(this.#lengths, order, this.#rowTokens))
      this.#packed = { epoch, rows }
    }
    return this.#packed.rows
  }

  /** The next `count` rows. */
  take(cursor: RowCursor, count: number): { rows: (readonly number[])[]; cursor: RowCursor } {
    const taken: (readonly number[])[] = []
    let { epoch, row } = cursor
    while (taken.length < count) {
      const rows = this.rows(epoch)
      if (row < rows.length) taken.push(rows[row++]!)
      else {
        epoch += 1
        row = 0
      }
    }
    return { rows: taken, cursor: { epoch, row } }
  }
}
