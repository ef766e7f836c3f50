import { z } from 'zod'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import { CHANNELS, type Channel } from './channels.ts'
import type { JournalEvent, JsonValue } from './event.ts'

/** A line: `[sequence, time, type, tenant, data]`. */
type Line = [number, number, string, string, { [key: string]: JsonValue }]

/** What is known of a block without reading it. */
export interface BlockInfo {
  channel: Channel
  firstSequence: number
  lastSequence: number
  events: number
  bytes: number
  /** Of its newest event. */
  timeMs: number
}

/** What outlives the blocks: the last number given, and up to which events of each channel were removed. */
export interface JournalHead {
  sequence: number
  removed: Partial<Record<Channel, number>>
}

const infoSchema = z.strictObject({
  channel: z.enum(CHANNELS),
  firstSequence: z.int().min(1),
  lastSequence: z.int().min(1),
  events: z.int().min(1),
  bytes: z.int().min(1),
  timeMs: z.int().min(0),
})
const headSchema = z.strictObject({
  sequence: z.int().min(0),
  removed: z.partialRecord(z.enum(CHANNELS), z.int().min(0)),
})
const HEAD = 'head'

/**
 * Events on disk, many to a record, by channel and in order. What describes a block lies apart from what is in it, so
 * that a start need not read all events.
 */
export class EventBlocks {
  readonly #infos: Table<BlockInfo>
  readonly #lines: Table<string>
  readonly #head: Table<JournalHead>

  constructor(modules: { store: Pick<Store, 'table'> }) {
    this.#infos = modules.store.table('event-blocks', infoSchema)
    this.#lines = modules.store.table('event-lines', z.string())
    this.#head = modules.store.table('event-head', headSchema)
  }

  /** All that is known without reading events; blocks of a channel in order. */
  async load(): Promise<{ head: JournalHead; infos: BlockInfo[] }> {
    const infos: BlockInfo[] = []
    for await (const info of this.#infos.values()) infos.push(info)
    return { head: (await this.#head.get(HEAD)) ?? { sequence: 0, removed: {} }, infos }
  }

  /** @param lines as `lineOf` makes them, joined by commas */
  put(info: BlockInfo, lines: string): BatchOperation[] {
    const key = keyOf(info.channel, info.firstSequence)
    return [this.#infos.putOperation(key, info), this.#lines.putOperation(key, lines)]
  }

  remove({ channel, firstSequence }: BlockInfo): BatchOperation[] {
    const key = keyOf(channel, firstSequence)
    return [this.#infos.deleteOperation(key), this.#lines.deleteOperation(key)]
  }

  putHead(head: JournalHead): BatchOperation {
    return this.#head.putOperation(HEAD, head)
  }

  /** Events of a block in order; none when it was removed meanwhile. */
  async eventsOf(info: BlockInfo): Promise<JournalEvent[]> {
    const lines = (await this.#lines.get(keyOf(info.channel, info.firstSequence))) ?? ''
    return (JSON.parse(`[${lines}]`) as Line[]).map(([sequence, timeMs, type, tenant, data]) => ({
      ...{ sequence, channel: info.channel, timeMs, type, tenant, data },
    }))
  }
}

/** An event as it is written, without its number, which is known only when it is. */
export function lineTail(timeMs: number, type: string, tenant: string, data: string): string {
  return `,${timeMs},${JSON.stringify(type)},${JSON.stringify(tenant)},${data}]`
}

export function lineOf(sequence: number, tail: string): string {
  return `[${sequence}${tail}`
}

function keyOf(channel: Channel, sequence: number): string {
  return `${channel}/${String(sequence).padStart(16, '0')}`
}
