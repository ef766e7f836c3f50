export interface StopResult {
  /** Text that no stop string can claim any more. */
  text: string
  /** The stop string that was completed, if any; the stream is over then. */
  stop: string | null
}

/**
 * Finds the first stop string in a stream of text pieces and never lets a part of one through. It
 * holds back only the longest suffix that could still become one, so the result does not depend on
 * where the pieces are cut. First is the one completed first; of two completed by the same character
 * the one that began first.
 */
export class StopStrings {
  readonly #stops: readonly string[]
  #held = ''

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter(stop => stop.length > 0)
  }

  push(piece: string): StopResult {
    if (this.#stops.length === 0) return { text: piece, stop: null }
    const text = this.#held + piece
    let first: { stop: string; start: number; end: number } | null = null
    for (const stop of this.#stops) {
      const start = text.indexOf(stop)
      if (start === -1) continue
      const end = start + stop.length
      if (first === null || end < first.end || (end === first.end && start < first.start)) {
        first = { stop, start, end }
      }
    }
    if (first !== null) {
      this.#held = ''
      return { text: text.slice(0, first.start), stop: first.stop }
    }
    const held = this.#suffixLength(text)
    this.#held = text.slice(text.length - held)
    return { text: text.slice(0, text.length - held), stop: null }
  }

  /** What was held back, once it is known that nothing follows. */
  flush(): string {
    const text = this.#held
    this.#held = ''
    return text
  }

  /** Length of the longest suffix of `text` that is a proper prefix of a stop string. */
  #suffixLength(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) {
          longest = length
          break
        }
      }
    }
    return longest
  }
}
