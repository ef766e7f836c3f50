import type { Channel, EventFilter, EventPage } from './event.ts'
import type { EventJournal } from './journal.ts'

export interface EventReaderOptions extends EventFilter {
  after: number
}

/** Events taken at once. */
const PAGE_EVENTS = 256

/** One place in the journal that moves on as it is read. Holds no events: who is slow reads later, from the disk. */
export class EventReader {
  readonly #options: EventReaderOptions
  readonly #journal: Pick<EventJournal, 'read' | 'lastSequence'>
  readonly #onClose: () => void
  readonly #toldGaps = new Map<Channel, number>()
  #position: number
  /** Wakes who waits for more; null while nobody does. */
  #wake: (() => void) | null = null
  #isClosed = false

  constructor(
    options: EventReaderOptions,
    modules: { journal: Pick<EventJournal, 'read' | 'lastSequence'>; onClose: () => void },
  ) {
    this.#options = options
    this.#journal = modules.journal
    this.#onClose = modules.onClose
    this.#position = options.after
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
      const gaps = page.gaps.filter(({ channel, toSequence }) => {
        if (toSequence <= (this.#toldGaps.get(channel) ?? 0)) return false
        this.#toldGaps.set(channel, toSequence)
        return true
      })
      if (this.#isClosed) return null
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
    this.#onClose()
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
