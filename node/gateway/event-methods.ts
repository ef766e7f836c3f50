import { z } from 'zod'
import { CHANNELS } from '../events/channels.ts'
import { MAX_PAGE_EVENTS } from '../events/journal.ts'

/** The commands about events; part of `controlMethods`. */
export const eventMethods = {
  eventPage: z.strictObject({
    channels: z.nullable(z.array(z.enum(CHANNELS)).min(1)).default(null),
    /** Of an event: those after it; null for the latest ones. */
    after: z.nullable(z.int().min(0)).default(null),
    limit: z.int().min(1).max(MAX_PAGE_EVENTS).default(50),
    /** Waits for an event where there is none, up to half a minute. */
    wait: z.boolean().default(false),
  }),
} as const
