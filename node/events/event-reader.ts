import type { Channel } from './channels.ts'
import type { EventFilter, EventPage } from './event.ts'
import type { EventJournal, JournalFollower } from './journal.ts'
import { ToldGaps } from './told-gaps.ts'

export interface EventReaderOptions extends EventFilter {
  after: number
}

/** Events taken at once. */
const PAGE_EVENTS = 256

/** One place in the journal that moves on as it is read. Holds no events: who is slow reads later, from the disk. */
export class EventReader implements JournalFollower {
  readonly #options: EventReaderOptions
  readonly #journal: Pick<EventJournal, 'read' | 'lastSequence' | 'follow'>
  readonly #unfollow: () => void
  readonly #toldGaps = new ToldGaps()
  #position: number
  /** Wakes who waits for more; null while nobody does. */
  #wake: (() => void) | null = null
  #isClosed = false

  constructor(
    options: EventReaderOptions,
    modules: { journal: Pick<EventJournal, 'read' | 'lastSequence' | 'follow'> },
  ) {
    this.#options = options
    this.#journal = modules.journal
    this.#position = options.after
    this.#unfollow = modules.journal.follow(this)
  }

  /** Everything up to this event was given. */
  get position(): number {
    return this.#position
  }

  /**
   * The next events, as soon as there is one or a gap; null once the reader is closed. One caller at a time.
   * @param limit events at most
   */
  async next(limit = PAGE_EVENTS): Promise<EventPage | null> {
    while (!this.#isClosed) {
      const page = await this.#journal.read({ ...this.#options, after: this.#position, limit })
      this.#position = page.lastSequence
      if (this.#isClosed) return null
      const gaps = this.#toldGaps.fresh(page.gaps)
      if (page.events.length + gaps.length > 0) return { ...page, gaps }
      if (this.#position >= this.#journal.lastSequence) {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    }
    return null
  }

  /** The journal has grown. */
  advanced(channels: ReadonlySet<Channel>, sequence: number): void {
    if (this.#wake === null) return
    const wanted = this.#options.channels
    if (wanted !== undefined && !wanted.some(channel => channels.has(channel))) {
      // Who waits has had all before this, and this is not for it.
      this.#position = sequence
      return
    }
    this.#wakeUp()
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unfollow()
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
