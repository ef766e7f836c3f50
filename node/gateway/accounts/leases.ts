/** Counts what goes on at once for each key. */
export class Leases {
  readonly #held = new Map<string, number>()

  /** One more, to be ended by the function returned; null when there are as many as may be. */
  take(key: string, max: number): (() => void) | null {
    const held = this.#held.get(key) ?? 0
    if (held >= max) return null
    this.#held.set(key, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#held.get(key) ?? 1) - 1
      if (left === 0) this.#held.delete(key)
      else this.#held.set(key, left)
    }
  }

  /** How many go on for a key. */
  held(key: string): number {
    return this.#held.get(key) ?? 0
  }
}
