import { z } from 'zod'
import { CHANNELS, type Channel } from './channels.ts'

/** What somebody who is not the node's owner may follow, and of it only what is theirs. */
export const TENANT_CHANNELS: readonly Channel[] = ['tasks', 'receipts']

/** Whose event it is, when it is not a tenant's. */
export const OWNER = 'owner'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** What is told to the journal. Credits are decimal strings, nodes PeerIds, as everywhere in JSON. */
export interface NewEvent {
  channel: Channel
  /** What happened, such as `task-done`. */
  type: string
  /** A tenant's name, or `owner`. */
  tenant?: string
  data: { [key: string]: JsonValue }
}

/**
 * One event as it is kept and shown. `sequence` counts over all channels from 1 and only grows; as text it is the
 * event's id, so that one id says where a reader of any choice of channels stands.
 */
export interface JournalEvent {
  sequence: number
  channel: Channel
  timeMs: number
  type: string
  tenant: string
  data: { [key: string]: JsonValue }
}

/** Events that a reader will not get, since they were removed before it came. Both ends belong to it. */
export interface Gap {
  channel: Channel
  fromSequence: number
  toSequence: number
}

/** Who reads what. */
export interface EventFilter {
  /** Default: all. */
  channels?: readonly Channel[]
  /** Only this tenant's events; the owner (default) sees everybody's. */
  tenant?: string
}

/** Some events in order, what is missing before them, and where to go on. */
export interface EventPage {
  events: JournalEvent[]
  gaps: Gap[]
  /** Read on after this one: everything up to it was looked at. */
  lastSequence: number
}

/** An event as it goes over HTTP and to a command. */
export const eventViewSchema = z.object({
  id: z.string().meta({ description: 'Grows with each event; say it as Last-Event-ID to go on after it.' }),
  channel: z.enum(CHANNELS),
  type: z.string(),
  time: z.iso.datetime(),
  tenant: z.string(),
  data: z.record(z.string(), z.unknown()),
})
export type EventView = z.infer<typeof eventViewSchema>

export function eventView({ sequence, channel, type, timeMs, tenant, data }: JournalEvent): EventView {
  return { id: String(sequence), channel, type, time: new Date(timeMs).toISOString(), tenant, data }
}
