import { z } from 'zod'
import { CHANNELS } from '../events/channels.ts'
import { type EventFilter, eventView, eventViewSchema, type Gap } from '../events/event.ts'
import type { EventJournal } from '../events/journal.ts'

export const gapViewSchema = z
  .object({ channel: z.enum(CHANNELS), from: z.string(), to: z.string() })
  .describe('Events that were removed; both ends belong to it.')
export type GapView = z.infer<typeof gapViewSchema>

export const eventPageSchema = z.object({
  events: z.array(eventViewSchema),
  gaps: z.array(gapViewSchema),
  lastId: z.string().describe('Ask on from here.'),
  newestId: z.string().describe('Of the last event there is.'),
})
export type EventPageView = z.infer<typeof eventPageSchema>

export function gapView({ channel, fromSequence, toSequence }: Gap): GapView {
  return { channel, from: String(fromSequence), to: String(toSequence) }
}

/**
 * Some events in order.
 * @param query.after null for the latest ones
 */
export async function eventPageView(
  journal: EventJournal,
  query: EventFilter & { after: number | null; limit: number },
): Promise<EventPageView> {
  const { after, ...rest } = query
  const page = after === null ? await journal.latest(rest) : await journal.read({ ...rest, after })
  return {
    events: page.events.map(eventView),
    gaps: page.gaps.map(gapView),
    lastId: String(page.lastSequence),
    newestId: String(journal.lastSequence),
  }
}
