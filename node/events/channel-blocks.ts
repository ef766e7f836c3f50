import type { BatchOperation } from '../store/table.ts'
import { type BlockInfo, type EventBlocks, lineOf } from './blocks.ts'
import type { Channel } from './channels.ts'
import type { Gap, JournalEvent } from './event.ts'

/** An event before it is on disk. */
export interface WaitingEvent extends Omit<JournalEvent, 'sequence'> {
  /** How it is written, without its number. */
  tail: string
}

export interface ChannelBlocksOptions {
  channel: Channel
  maxEvents: number
  maxBytes: number
  maxAgeMs: number
  /** Up to which event all were removed. */
  removedTo: number
}

/** What a write is to do to a channel. */
export interface ChannelChange {
  channel: Channel
  operations: BatchOperation[]
  removes: boolean
  removedTo: number
  /** Call once it is on disk. */
  apply: () => void
}

/** A block takes more events in later writes until it has so many: each write of it writes all of it. */
const BLOCK_GROWS_TO_EVENTS = 64
const BLOCK_EVENTS = 256
const BLOCK_BYTES = 65_536

/** The blocks of one channel: what is kept, what goes, and where an event is found. */
export class ChannelBlocks {
  readonly channel: Channel
  readonly #options: ChannelBlocksOptions
  readonly #blocks: EventBlocks
  #infos: readonly BlockInfo[]
  /** What the youngest block holds, while it takes more; null after a start. */
  #youngest: string | null = null
  #removedTo: number

  /** @param modules.infos of this channel, in order */
  constructor(options: ChannelBlocksOptions, modules: { blocks: EventBlocks; infos: readonly BlockInfo[] }) {
    this.channel = options.channel
    this.#options = options
    this.#blocks = modules.blocks
    this.#infos = modules.infos
    this.#removedTo = options.removedTo
  }

  get events(): number {
    return sum(this.#infos, ({ events }) => events)
  }

  get bytes(): number {
    return sum(this.#infos, ({ bytes }) => bytes)
  }

  /** Up to which event all were removed; 0 when none was. */
  get removedTo(): number {
    return this.#removedTo
  }

  /** Events of a stretch, and what of it is gone. */
  async read(range: {
    after: number
    upTo: number
    limit: number
  }): Promise<{ events: JournalEvent[]; gap: Gap | null }> {
    const { after, upTo, limit } = range
    const events: JournalEvent[] = []
    const infos = this.#infos
    for (let at = firstAfter(infos, after); at < infos.length && events.length < limit; at++) {
      if (infos[at]!.firstSequence > upTo) break
      for (const event of await this.#blocks.eventsOf(infos[at]!))
        if (event.sequence > after && event.sequence <= upTo) events.push(event)
    }
    // Blocks may have gone while we read.
    const until = Math.min(this.#removedTo, events.length === 0 ? upTo : events[0]!.sequence - 1)
    const gap = until > after ? { channel: this.channel, fromSequence: after + 1, toSequence: until } : null
    return { events: events.slice(0, limit), gap }
  }

  /** The youngest events, in order. */
  async latest(limit: number): Promise<JournalEvent[]> {
    let events: JournalEvent[] = []
    const infos = this.#infos
    for (let at = infos.length - 1; at >= 0 && events.length < limit; at--)
      events = [...(await this.#blocks.eventsOf(infos[at]!)), ...events]
    return events.slice(-limit)
  }

  /** How new events are put, and what goes to make room or for its age; null when there is nothing to do. */
  plan(news: readonly (WaitingEvent & { sequence: number })[], nowMs: number): ChannelChange | null {
    const infos = [...this.#infos]
    const operations: BatchOperation[] = []
    let lines = this.#youngest ?? ''
    let block = this.#youngest === null ? undefined : infos.at(-1)
    if (block !== undefined && block.events >= BLOCK_GROWS_TO_EVENTS) block = undefined
    const close = () => {
      if (block !== undefined && news.length > 0) operations.push(...this.#blocks.put(block, lines))
    }
    for (const { sequence, timeMs, tail } of news) {
      const line = lineOf(sequence, tail)
      if (block === undefined || block.events >= BLOCK_EVENTS || block.bytes + line.length > BLOCK_BYTES) {
        if (block !== undefined && block.lastSequence >= news[0]!.sequence) close()
        lines = line
        block = {
          ...{ channel: this.channel, firstSequence: sequence, lastSequence: sequence },
          ...{ events: 1, bytes: line.length, timeMs },
        }
        infos.push(block)
        continue
      }
      lines += `,${line}`
      block = {
        ...block,
        lastSequence: sequence,
        events: block.events + 1,
        bytes: block.bytes + line.length + 1,
        timeMs,
      }
      infos[infos.length - 1] = block
    }
    close()
    const gone = this.#goneOf(infos, nowMs)
    if (news.length === 0 && gone === 0) return null
    const kept = infos.slice(gone)
    const removedTo = gone === 0 ? this.#removedTo : infos[gone - 1]!.lastSequence
    for (const info of infos.slice(0, gone)) operations.push(...this.#blocks.remove(info))
    return {
      ...{ channel: this.channel, operations, removes: gone > 0, removedTo },
      apply: () => {
        this.#infos = kept
        this.#youngest = kept.length === 0 ? null : news.length === 0 ? this.#youngest : lines
        this.#removedTo = removedTo
      },
    }
  }

  /** How many of the oldest blocks are too many or too old. */
  #goneOf(infos: readonly BlockInfo[], nowMs: number): number {
    const { maxEvents, maxBytes, maxAgeMs } = this.#options
    let events = sum(infos, info => info.events)
    let bytes = sum(infos, info => info.bytes)
    let gone = 0
    for (const info of infos) {
      const isTooMany = events > maxEvents || bytes > maxBytes
      if (!isTooMany && info.timeMs > nowMs - maxAgeMs) break
      events -= info.events
      bytes -= info.bytes
      gone++
    }
    return gone
  }
}

/** Index of the first block that has an event after a number. */
function firstAfter(infos: readonly BlockInfo[], after: number): number {
  let [low, high] = [0, infos.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (infos[middle]!.lastSequence > after) high = middle
    else low = middle + 1
  }
  return low
}

function sum(infos: readonly BlockInfo[], of: (info: BlockInfo) => number): number {
  let total = 0
  for (const info of infos) total += of(info)
  return total
}
