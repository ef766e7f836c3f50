/** The items with the lowest keys of all that are shown to it: a heap whose top is the worst of those kept. */
export class Lowest {
  readonly #limit: number
  readonly #keys: number[] = []
  readonly #items: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Of the items kept. */
  get size(): number {
    return this.#keys.length
  }

  /** No item with this key or a higher one is taken any more. */
  get bound(): number {
    return this.#keys.length < this.#limit ? Number.POSITIVE_INFINITY : this.#keys[0]!
  }

  offer(key: number, item: number): void {
    if (this.#keys.length < this.#limit) {
      this.#keys.push(key)
      this.#items.push(item)
      this.#rise(this.#keys.length - 1)
    } else if (key < this.#keys[0]!) {
      this.#keys[0] = key
      this.#items[0] = item
      this.#sink()
    }
  }

  /** The lowest first. */
  items(): number[] {
    const keys = this.#keys
    const places = keys.map((_, place) => place)
    places.sort((a, b) => keys[a]! - keys[b]! || this.#items[a]! - this.#items[b]!)
    return places.map(place => this.#items[place]!)
  }

  #rise(place: number): void {
    for (let parent = (place - 1) >> 1; place > 0; parent = (place - 1) >> 1) {
      if (this.#keys[parent]! >= this.#keys[place]!) return
      this.#swap(parent, place)
      place = parent
    }
  }

  #sink(): void {
    for (let place = 0; ; ) {
      const left = 2 * place + 1
      if (left >= this.#keys.length) return
      const right = left + 1
      const child = right < this.#keys.length && this.#keys[right]! > this.#keys[left]! ? right : left
      if (this.#keys[place]! >= this.#keys[child]!) return
      this.#swap(place, child)
      place = child
    }
  }

  #swap(a: number, b: number): void {
    ;[this.#keys[a], this.#keys[b]] = [this.#keys[b]!, this.#keys[a]!]
    ;[this.#items[a], this.#items[b]] = [this.#items[b]!, this.#items[a]!]
  }
}
