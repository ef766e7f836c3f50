import type { Channel } from './channels.ts'
import type { JournalEvent } from './event.ts'

const MAX_EVENTS = 1_024

/** The last events in memory, for readers that keep up: those read no disk, and all share these. */
export class RecentEvents {
  readonly #maxEvents: number
  #events: JournalEvent[] = []
  /** All events after this one are here. */
  #after: number

  constructor(options: { after: number; maxEvents?: number }) {
    this.#after = options.after
    this.#maxEvents = options.maxEvents ?? MAX_EVENTS
  }

  /** @param events the next ones, in order */
  add(events: readonly JournalEvent[]): void {
    this.#events.push(...events)
    const excess = this.#events.length - this.#maxEvents
    if (excess < this.#maxEvents) return
    // Now and then, since it moves all that stay.
    this.#after = this.#events[excess - 1]!.sequence
    this.#events = this.#events.slice(excess)
  }

  /** Events of some channels after a number, the first `limit`; null when that reaches back further than this. */
  after(sequence: number, channels: readonly Channel[], limit: number): JournalEvent[] | null {
    if (sequence < this.#after) return null
    const found: JournalEvent[] = []
    // Numbers have no holes here.
    for (let at = sequence - this.#after; at < this.#events.length && found.length < limit; at++) {
      const event = this.#events[at]!
      if (channels.includes(event.channel)) found.push(event)
    }
    return found
  }
}
