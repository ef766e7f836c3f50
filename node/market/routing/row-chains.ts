const NONE = -1

/** Which rows belong to a provider: a list through the rows, in both directions, that costs two numbers a row. */
export class RowChains {
  #head = new Int32Array()
  #next = new Int32Array()
  #before = new Int32Array()

  resizeRows(capacity: number): void {
    this.#next = grown(this.#next, capacity)
    this.#before = grown(this.#before, capacity)
  }

  resizeProviders(capacity: number): void {
    this.#head = grown(this.#head, capacity)
  }

  /** A provider without rows. */
  clear(provider: number): void {
    this.#head[provider] = NONE
  }

  add(provider: number, row: number): void {
    const first = this.#head[provider]!
    this.#next[row] = first
    this.#before[row] = NONE
    if (first !== NONE) this.#before[first] = row
    this.#head[provider] = row
  }

  remove(provider: number, row: number): void {
    this.#link(provider, this.#before[row]!, this.#next[row]!)
  }

  /** A row has another number. */
  move(provider: number, from: number, to: number): void {
    const before = this.#before[from]!
    const next = this.#next[from]!
    this.#before[to] = before
    this.#next[to] = next
    if (before === NONE) this.#head[provider] = to
    else this.#next[before] = to
    if (next !== NONE) this.#before[next] = to
  }

  /** Calls `use` with each row of a provider. */
  each(provider: number, use: (row: number) => void): void {
    for (let row = this.#head[provider]!; row !== NONE; row = this.#next[row]!) use(row)
  }

  #link(provider: number, before: number, next: number): void {
    if (before === NONE) this.#head[provider] = next
    else this.#next[before] = next
    if (next !== NONE) this.#before[next] = before
  }
}

function grown(column: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity).fill(NONE)
  larger.set(column)
  return larger
}
