import type { Clock, Timer } from '../clock.ts'
import { LatestWriter } from '../store/latest-writer.ts'
import type { Channel } from './channels.ts'
import type { GroupView } from './consumer-groups.ts'
import type { Gap, JournalEvent } from './event.ts'
import type { EventJournal, JournalFollower } from './journal.ts'
import { ToldGaps } from './told-gaps.ts'

/** What of a group is on disk. */
export interface GroupState {
  tenant: string
  name: string
  channels: Channel[]
  /** Everything of the group up to this number was acknowledged, or was removed from the journal. */
  committed: number
  /** Acknowledged beyond that. */
  acknowledged: number[]
}

export interface ConsumerGroupOptions {
  state: GroupState
  ackTimeoutMs: number
  maxUnacknowledged: number
}

export interface ConsumerGroupModules {
  journal: EventJournal
  clock: Clock
  put: (state: GroupState) => Promise<void>
}

/** What a consumer gets. */
export interface GivenEvents {
  events: JournalEvent[]
  gaps: Gap[]
}

/** Who takes events of a group. */
export interface GroupConsumer {
  /**
   * The next events for this consumer, as soon as there are any and it has acknowledged enough of those before; null once
   * it has ended. One caller at a time.
   */
  next(): Promise<GivenEvents | null>
  /** What it has not acknowledged goes to others at once. Idempotent. */
  close(): void
}

interface Delivery {
  /** Null: to be given out again. */
  consumer: Consumer | null
  deadlineMs: number
}

interface Consumer {
  name: string
  maxUnacknowledged: number
  isClosed: boolean
}

/** Events looked for at once. */
const PAGE_EVENTS = 100

/** One group: which events are out with whom, which were acknowledged, and which come next. */
export class ConsumerGroup implements JournalFollower {
  readonly tenant: string
  readonly name: string
  readonly channels: readonly Channel[]
  readonly #options: ConsumerGroupOptions
  readonly #modules: ConsumerGroupModules
  readonly #unfollow: () => void
  readonly #writer: LatestWriter
  readonly #toldGaps = new ToldGaps()
  readonly #consumers = new Map<string, Consumer>()
  /** Given out and not acknowledged, in order: what is given out again keeps its place. */
  readonly #unacknowledged = new Map<number, Delivery>()
  /** Acknowledged while an earlier one is not. */
  readonly #ahead: Set<number>
  #committed: number
  /** Everything up to here was given out once. */
  #givenTo: number
  /** Events are looked for one page at a time. */
  #looking: Promise<unknown> = Promise.resolve()
  #changed = Promise.withResolvers<void>()
  #timer: Timer | null = null
  #isClosed = false

  constructor(options: ConsumerGroupOptions, modules: ConsumerGroupModules) {
    const { tenant, name, channels, committed, acknowledged } = options.state
    this.tenant = tenant
    this.name = name
    this.channels = channels
    this.#options = options
    this.#modules = modules
    this.#ahead = new Set(acknowledged)
    this.#committed = committed
    this.#givenTo = committed
    this.#writer = new LatestWriter(() => modules.put(this.#state()))
    this.#unfollow = modules.journal.follow(this)
  }

  /** Whether it has a consumer. */
  get isUsed(): boolean {
    return this.#consumers.size > 0
  }

  /** A consumer of this name that is there already ends. */
  join(name: string, maxUnacknowledged: number): GroupConsumer {
    const before = this.#consumers.get(name)
    if (before !== undefined) this.#leave(before)
    const consumer: Consumer = { name, maxUnacknowledged, isClosed: this.#isClosed }
    this.#consumers.set(name, consumer)
    return { next: () => this.#next(consumer), close: () => this.#leave(consumer) }
  }

  /** @see ConsumerGroups.acknowledge */
  async acknowledge(what: { sequences?: readonly number[]; upTo?: number }): Promise<number> {
    const { sequences = [], upTo = 0 } = what
    const said = [...sequences, ...[...this.#unacknowledged.keys()].filter(sequence => sequence <= upTo)]
    let count = 0
    for (const sequence of said) {
      if (!this.#unacknowledged.delete(sequence)) continue
      this.#ahead.add(sequence)
      count++
    }
    this.#commit()
    this.#change()
    // Written even when nothing is new: the first time may have failed.
    await this.save()
    return count
  }

  /** Puts the group on disk as it now is. @throws {StoreError} */
  save(): Promise<void> {
    return this.#writer.write()
  }

  /** Does something about the group on disk, after all that is being written of it. */
  change(work: () => Promise<void>): Promise<void> {
    return this.#writer.change(work)
  }

  view(): GroupView {
    return {
      group: this.name,
      channels: this.channels,
      committed: this.#committed,
      unacknowledged: this.#unacknowledged.size,
      behind: Math.max(0, this.#modules.journal.lastSequence - this.#givenTo),
      consumers: [...this.#consumers.keys()],
    }
  }

  advanced(channels: ReadonlySet<Channel>): void {
    if (this.channels.some(channel => channels.has(channel))) this.#change()
  }

  /** Ends all consumers; idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unfollow()
    this.#timer?.cancel()
    for (const consumer of [...this.#consumers.values()]) this.#leave(consumer)
  }

  async #next(consumer: Consumer): Promise<GivenEvents | null> {
    while (!consumer.isClosed) {
      const changed = this.#changed.promise
      const looked = this.#looking.then(() => this.#give(consumer))
      this.#looking = looked.catch(() => {})
      const { events, gaps, isEnd } = await looked
      if (consumer.isClosed) break
      if (events.length + gaps.length > 0) return { events, gaps }
      if (isEnd) await changed
    }
    return null
  }

  /** @returns isEnd: that there is nothing for this consumer until something changes */
  async #give(consumer: Consumer): Promise<GivenEvents & { isEnd: boolean }> {
    const room = consumer.maxUnacknowledged - this.#countOf(consumer)
    if (consumer.isClosed || room <= 0) return { events: [], gaps: [], isEnd: true }
    const again = [...this.#unacknowledged].filter(([, delivery]) => delivery.consumer === null)
    if (again.length > 0) {
      return this.#giveAgain(
        consumer,
        again.slice(0, Math.min(room, PAGE_EVENTS)).map(([sequence]) => sequence),
      )
    }
    const window = this.#options.maxUnacknowledged - this.#unacknowledged.size - this.#ahead.size
    const limit = Math.min(room, window, PAGE_EVENTS)
    if (limit <= 0) return { events: [], gaps: [], isEnd: true }
    const page = await this.#read(this.#givenTo, limit)
    if (consumer.isClosed) return { events: [], gaps: [], isEnd: true }
    const isEnd = page.lastSequence === this.#givenTo
    this.#givenTo = page.lastSequence
    const events = page.events.filter(({ sequence }) => !this.#ahead.has(sequence))
    for (const { sequence } of events) this.#mark(sequence, consumer)
    this.#commit()
    return { events, gaps: this.#toldGaps.fresh(page.gaps), isEnd }
  }

  async #giveAgain(
    consumer: Consumer,
    sequences: readonly number[],
  ): Promise<GivenEvents & { isEnd: boolean }> {
    const events: JournalEvent[] = []
    const gaps: Gap[] = []
    for (const sequence of sequences) {
      const page = await this.#read(sequence - 1, 1)
      if (consumer.isClosed) break
      // It may have been acknowledged late, while we read.
      if (!this.#unacknowledged.has(sequence)) continue
      const [event] = page.events
      if (event?.sequence === sequence) {
        this.#mark(sequence, consumer)
        events.push(event)
      } else {
        // Removed from the journal: nobody can have it any more.
        this.#unacknowledged.delete(sequence)
        gaps.push(...this.#toldGaps.fresh(page.gaps))
      }
    }
    this.#commit()
    return { events, gaps, isEnd: false }
  }

  #read(after: number, limit: number) {
    const { tenant, channels } = this
    return this.#modules.journal.read({ tenant, channels, after, limit })
  }

  #mark(sequence: number, consumer: Consumer): void {
    const { ackTimeoutMs } = this.#options
    const { clock } = this.#modules
    this.#unacknowledged.set(sequence, { consumer, deadlineMs: clock.nowMs() + ackTimeoutMs })
    this.#timer ??= clock.setTimer(() => this.#timedOut(), ackTimeoutMs)
  }

  #timedOut(): void {
    const { clock } = this.#modules
    const nowMs = clock.nowMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const delivery of this.#unacknowledged.values()) {
      if (delivery.consumer === null) continue
      if (delivery.deadlineMs <= nowMs) delivery.consumer = null
      else nextMs = Math.min(nextMs, delivery.deadlineMs)
    }
    this.#timer =
      nextMs === Number.POSITIVE_INFINITY ? null : clock.setTimer(() => this.#timedOut(), nextMs - nowMs)
    this.#change()
  }

  #leave(consumer: Consumer): void {
    if (!consumer.isClosed) {
      consumer.isClosed = true
      if (this.#consumers.get(consumer.name) === consumer) this.#consumers.delete(consumer.name)
      for (const delivery of this.#unacknowledged.values())
        if (delivery.consumer === consumer) delivery.consumer = null
    }
    this.#change()
  }

  #countOf(consumer: Consumer): number {
    let count = 0
    for (const delivery of this.#unacknowledged.values()) if (delivery.consumer === consumer) count++
    return count
  }

  #commit(): void {
    const [first] = this.#unacknowledged.keys()
    this.#committed = first === undefined ? this.#givenTo : first - 1
    for (const sequence of this.#ahead) if (sequence <= this.#committed) this.#ahead.delete(sequence)
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #state(): GroupState {
    const { tenant, name } = this
    return {
      ...{ tenant, name, channels: [...this.channels] },
      ...{ committed: this.#committed, acknowledged: [...this.#ahead] },
    }
  }
}
