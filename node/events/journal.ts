import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Timer } from '../clock.ts'
import { repeat } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import { EventBlocks, lineTail } from './blocks.ts'
import { ChannelBlocks, type WaitingEvent } from './channel-blocks.ts'
import { CHANNELS, type Channel } from './channels.ts'
import {
  type EventFilter,
  type EventPage,
  type Gap,
  type JournalEvent,
  type NewEvent,
  OWNER,
} from './event.ts'
import { EventReader } from './event-reader.ts'
import { RecentEvents } from './recent-events.ts'

export interface EventJournalOptions {
  /** What is kept of each channel at most; the oldest goes first. */
  maxEvents?: number
  maxBytes?: number
  maxAgeMs?: number
  /** Events that may wait for the disk; more are lost, and how many is said in their channel. */
  maxWaiting?: number
}

export interface EventJournalModules {
  store: Pick<Store, 'table' | 'batch'>
  clock: Clock
  log: Logger
}

/** Who is told when there are new events, and when there will be none. */
export interface JournalFollower {
  advanced(channels: ReadonlySet<Channel>, sequence: number): void
  close(): void
}

const MAX_EVENTS = 100_000
const MAX_BYTES = 32 * 1_048_576
const MAX_AGE_MS = 30 * 24 * 3_600_000
const MAX_WAITING = 50_000
/** The same in characters. */
const MAX_WAITING_CHARACTERS = 32 * 1_048_576
/** Of the data of one event; what is larger is left out and said to be. */
const MAX_EVENT_BYTES = 8_192
/** Written at once at most. */
const BATCH_EVENTS = 4_096
const TOGETHER_WITHIN_MS = 20
const RETRY_MS = 1_000
const LOOK_FOR_OLD_EVERY_MS = 10 * 60_000
/** Events of one page at most. */
export const MAX_PAGE_EVENTS = 1_000

/**
 * What happens at this node, kept on disk in the order it happened, for readers that come late, come back, or are slow.
 * A number over all channels names each event, so that one number says where a reader stands. Nobody is shown an event
 * before it is on disk (synced): a number never means two events, and none that was shown is lost, whatever dies.
 * Writes are shared: all that is told while one lasts goes with the next. Readers pull, and hold nothing here but their
 * place; of what was removed before they came they are told as gaps.
 */
export class EventJournal {
  readonly #options: Required<EventJournalOptions>
  readonly #modules: EventJournalModules
  readonly #blocks: EventBlocks
  readonly #channels: ReadonlyMap<Channel, ChannelBlocks>
  readonly #recent: RecentEvents
  readonly #followers = new Set<JournalFollower>()
  readonly #lost = new Map<Channel, number>()
  #sequence: number
  #waiting: WaitingEvent[] = []
  #waitingCharacters = 0
  #isFailing = false
  #writing: Promise<void> | null = null
  /** Set while the disk is given time after a write that failed. */
  #retry: Timer | null = null
  #trimming: Timer | null = null
  #isStopped = false

  private constructor(
    options: Required<EventJournalOptions>,
    modules: EventJournalModules,
    known: { blocks: EventBlocks; channels: ReadonlyMap<Channel, ChannelBlocks>; sequence: number },
  ) {
    this.#options = options
    this.#modules = modules
    this.#blocks = known.blocks
    this.#channels = known.channels
    this.#sequence = known.sequence
    this.#recent = new RecentEvents({ after: known.sequence })
  }

  /**
   * Opens or begins the journal of a node.
   * @throws {StoreError} STORE_CORRUPT
   */
  static async open(options: EventJournalOptions, modules: EventJournalModules): Promise<EventJournal> {
    const {
      maxEvents = MAX_EVENTS,
      maxBytes = MAX_BYTES,
      maxAgeMs = MAX_AGE_MS,
      maxWaiting = MAX_WAITING,
    } = options
    const blocks = new EventBlocks(modules)
    const { head, infos } = await blocks.load()
    const channels = new Map(
      CHANNELS.map(channel => [
        channel,
        new ChannelBlocks(
          { channel, maxEvents, maxBytes, maxAgeMs, removedTo: head.removed[channel] ?? 0 },
          { blocks, infos: infos.filter(info => info.channel === channel) },
        ),
      ]),
    )
    const sequence = infos.reduce((last, { lastSequence }) => Math.max(last, lastSequence), head.sequence)
    const journal = new EventJournal({ maxEvents, maxBytes, maxAgeMs, maxWaiting }, modules, {
      ...{ blocks, channels, sequence },
    })
    journal.#trimming = repeat(modules.clock, LOOK_FOR_OLD_EVERY_MS, async () => {
      journal.#begin()
      await journal.flushed()
    })
    return journal
  }

  /** Number of the last event on disk; 0 when there has been none. */
  get lastSequence(): number {
    return this.#sequence
  }

  /**
   * Takes an event; readers get it once it is on disk. Never waits and never throws: while the disk does not keep up,
   * events beyond `maxWaiting` are lost, and how many is told in their channel (type `events-lost`).
   */
  append({ channel, type, tenant = OWNER, data }: NewEvent): void {
    if (this.#isStopped) return
    const { maxWaiting } = this.#options
    if (this.#waiting.length >= maxWaiting || this.#waitingCharacters >= MAX_WAITING_CHARACTERS) {
      this.#lost.set(channel, (this.#lost.get(channel) ?? 0) + 1)
      return
    }
    const timeMs = this.#modules.clock.nowMs()
    const json = JSON.stringify(data)
    const tooLong = json.length > MAX_EVENT_BYTES
    const kept = tooLong ? { omitted: `more than ${MAX_EVENT_BYTES} bytes` } : data
    const tail = lineTail(timeMs, type, tenant, tooLong ? JSON.stringify(kept) : json)
    this.#waiting.push({ channel, timeMs, type, tenant, data: kept, tail })
    this.#waitingCharacters += tail.length
    this.#begin()
  }

  /** Resolves when all that was taken is on disk, or a write of it has failed and will be tried again. */
  async flushed(): Promise<void> {
    await this.#writing
  }

  /**
   * Events after a number, in order.
   * @param options.after 0 for all that is kept; a number that was not given yet counts as 0, since then it is from
   *   another journal than this
   * @param options.limit events looked at, at most `MAX_PAGE_EVENTS`; of a tenant's there may be fewer among them
   */
  async read(options: EventFilter & { after: number; limit?: number }): Promise<EventPage> {
    const { channels = CHANNELS, tenant = OWNER } = options
    const limit = Math.min(options.limit ?? MAX_PAGE_EVENTS, MAX_PAGE_EVENTS)
    const head = this.#sequence
    const after = options.after > head ? 0 : options.after
    const isWhole = channels.every(channel => this.#channels.get(channel)!.removedTo <= after)
    const recent = isWhole ? this.#recent.after(after, channels, limit) : null
    const { events, gaps } =
      recent === null ? await this.#readBlocks(channels, after, head, limit) : { events: recent, gaps: [] }
    return {
      events: visibleTo(tenant, events),
      gaps,
      lastSequence: events.length === limit ? events.at(-1)!.sequence : head,
    }
  }

  /**
   * The youngest events, in order.
   * @param options.limit as in `read`
   */
  async latest(options: EventFilter & { limit: number }): Promise<EventPage> {
    const { channels = CHANNELS, tenant = OWNER } = options
    const limit = Math.min(options.limit, MAX_PAGE_EVENTS)
    const head = this.#sequence
    const found = await Promise.all(channels.map(channel => this.#channels.get(channel)!.latest(limit)))
    const events = inOrder(found)
      .filter(({ sequence }) => sequence <= head)
      .slice(-limit)
    return { events: visibleTo(tenant, events), gaps: [], lastSequence: head }
  }

  /**
   * A reader that stays: it keeps its place and waits for what comes.
   * @param options.after default: only what comes from now on
   */
  reader(options: EventFilter & { after?: number } = {}): EventReader {
    const reader = new EventReader({ ...options, after: options.after ?? this.#sequence }, { journal: this })
    if (this.#isStopped) reader.close()
    return reader
  }

  /** Tells somebody whenever the journal has grown. @returns ends it; idempotent */
  follow(follower: JournalFollower): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** What is kept of each channel. */
  kept(): { channel: Channel; events: number; bytes: number; removedTo: number }[] {
    return [...this.#channels].map(([channel, { events, bytes, removedTo }]) => ({
      ...{ channel, events, bytes, removedTo },
    }))
  }

  /** Writes what waits; ends all readers; idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#trimming?.cancel()
    this.#retry?.cancel()
    this.#retry = null
    await this.#writing
    while (this.#waiting.length > 0 && (await this.#write())) {
      // All that waits, batch by batch.
    }
    for (const follower of [...this.#followers]) follower.close()
  }

  async #readBlocks(
    channels: readonly Channel[],
    after: number,
    head: number,
    limit: number,
  ): Promise<{ events: JournalEvent[]; gaps: Gap[] }> {
    const found = await Promise.all(
      channels.map(channel => this.#channels.get(channel)!.read({ after, upTo: head, limit })),
    )
    return {
      gaps: found.flatMap(({ gap }) => gap ?? []),
      events: inOrder(found.map(({ events }) => events)).slice(0, limit),
    }
  }

  #begin(): void {
    if (this.#retry === null) this.#writing ??= this.#writeAll()
  }

  /** A moment later, so that what is told together is written together, and after the work that it tells of. */
  async #writeAll(): Promise<void> {
    if (!this.#isStopped) await delay(TOGETHER_WITHIN_MS)
    do {
      if (!(await this.#write())) break
    } while (this.#waiting.length > 0)
    // In one turn with the check above, or an event in between would wait for ever.
    this.#writing = null
  }

  /** @returns whether the disk took it */
  async #write(): Promise<boolean> {
    const { store, clock, log } = this.#modules
    const batch = this.#waiting.slice(0, BATCH_EVENTS)
    const sequence = this.#sequence + batch.length
    const numbered = batch.map((event, i) => ({ ...event, sequence: this.#sequence + 1 + i }))
    const changes = [...this.#channels.values()].flatMap(
      channel =>
        channel.plan(
          numbered.filter(event => event.channel === channel.channel),
          clock.nowMs(),
        ) ?? [],
    )
    if (changes.length === 0) return true
    const removed = Object.fromEntries(
      [...this.#channels.values()].map(({ channel, removedTo }) => [channel, removedTo]),
    )
    for (const { channel, removedTo } of changes) removed[channel] = removedTo
    try {
      await store.batch([
        ...changes.flatMap(({ operations }) => operations),
        // Of the last number the blocks themselves tell, while there are any.
        ...(changes.some(change => change.removes) ? [this.#blocks.putHead({ sequence, removed })] : []),
      ])
    } catch (error) {
      if (!this.#isFailing)
        log.warn({ err: error, waiting: this.#waiting.length }, 'events wait for the disk')
      this.#isFailing = true
      if (!this.#isStopped) this.#retryLater()
      return false
    }
    for (const { apply } of changes) apply()
    this.#waiting.splice(0, batch.length)
    for (const { tail } of batch) this.#waitingCharacters -= tail.length
    this.#isFailing = false
    this.#sequence = sequence
    const events = numbered.map(({ tail: _, ...event }): JournalEvent => event)
    this.#recent.add(events)
    this.#tellLosses()
    const touched = new Set(events.map(({ channel }) => channel))
    for (const follower of this.#followers) follower.advanced(touched, sequence)
    return true
  }

  #tellLosses(): void {
    for (const [channel, events] of this.#lost) {
      this.#lost.delete(channel)
      this.append({ channel, type: 'events-lost', data: { events } })
    }
  }

  #retryLater(): void {
    this.#retry = this.#modules.clock.setTimer(() => {
      this.#retry = null
      this.#begin()
    }, RETRY_MS)
  }
}

function inOrder(channels: readonly JournalEvent[][]): JournalEvent[] {
  return channels.flat().sort((a, b) => a.sequence - b.sequence)
}

function visibleTo(tenant: string, events: JournalEvent[]): JournalEvent[] {
  return tenant === OWNER ? events : events.filter(event => event.tenant === tenant)
}
