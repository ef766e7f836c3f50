import type { Channel } from './channels.ts'
import type { Gap } from './event.ts'

/** Tells a reader of each gap once, although several pages may begin in it. */
export class ToldGaps {
  readonly #toldTo = new Map<Channel, number>()

  /** Those that were not told yet; they are from now on. */
  fresh(gaps: readonly Gap[]): Gap[] {
    return gaps.filter(({ channel, toSequence }) => {
      if (toSequence <= (this.#toldTo.get(channel) ?? 0)) return false
      this.#toldTo.set(channel, toSequence)
      return true
    })
  }
}
