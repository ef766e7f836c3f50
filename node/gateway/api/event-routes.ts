import { z } from 'zod'
import { CHANNELS, type Channel } from '../../events/channels.ts'
import { GROUP_NAME } from '../../events/consumer-groups.ts'
import { OWNER, TENANT_CHANNELS } from '../../events/event.ts'
import { MAX_PAGE_EVENTS } from '../../events/journal.ts'
import { eventPageSchema, eventPageView } from '../event-views.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin, GatewayRequest } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import { SseStream } from '../http/sse.ts'
import { type EventSource, sendEvents } from './event-stream.ts'

const MAX_SEQUENCE_DIGITS = 15
const eventId = z.string().regex(new RegExp(`^\\d{1,${MAX_SEQUENCE_DIGITS}}$`), 'is no id of an event')
const name = z.string().regex(GROUP_NAME)

const channels = z
  .string()
  .max(200)
  .transform(text => text.split(','))
  .pipe(z.array(z.enum(CHANNELS)).min(1).max(CHANNELS.length))
  .describe('Comma-separated; default: all that the caller may follow.')
const from = z
  .union([z.enum(['start', 'now']), eventId])
  .describe('After which event to begin: its id, `start` for all that is kept, `now` for what comes.')

const followQuery = z.strictObject({
  channels: channels.optional(),
  from: from.optional(),
  group: name
    .optional()
    .describe('Share events with the others of a group; what none of them acknowledges comes again.'),
  consumer: name.optional().describe('Who this is in the group.'),
  inFlight: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(100)
    .describe('Events this consumer of a group has unacknowledged at most.'),
})
const pageQuery = z.strictObject({
  channels: channels.optional(),
  from: from.optional().describe('As for the stream; default: the latest events.'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_EVENTS).default(100),
})
const groupSchema = z.object({
  group: z.string(),
  channels: z.array(z.enum(CHANNELS)),
  committedId: z.string().describe('All up to here were acknowledged.'),
  unacknowledged: z.int(),
  behind: z.int().describe('Events of all channels after the last one given out.'),
  consumers: z.array(z.string()),
})
const ackBody = z
  .strictObject({ group: name, ids: z.array(eventId).max(1_000).optional(), upTo: eventId.optional() })
  .refine(({ ids, upTo }) => ids !== undefined || upTo !== undefined, 'says neither ids nor upTo')

const TAGS = ['events']

/** `/api/events`: what happens at the node, as it happens or from any point, alone or shared by a group. */
export const eventRoutes: GatewayPlugin = (app, context) => {
  const { clock, stopping, log } = context
  const { journal, groups } = context.node.parts.eventDesk
  const sources = new Set<EventSource>()
  stopping.addEventListener('abort', () => {
    for (const source of sources) source.close()
  })

  const sourceOf = (request: {
    principal: Principal
    query: z.output<typeof followQuery>
    after?: number
  }) => {
    const { principal, query, after } = request
    const { tenant } = principal
    const filter = { tenant, channels: channelsOf(query.channels, principal) }
    const place = after === undefined ? {} : { after }
    if (query.group === undefined && query.consumer === undefined)
      return journal.reader({ ...filter, ...place })
    if (query.group === undefined || query.consumer === undefined) {
      throw new GatewayError('REQUEST_INVALID', 'a group and its consumer are named together', {
        param: query.group === undefined ? 'group' : 'consumer',
        fix: 'Give both, or none.',
      })
    }
    return groups.consume({
      ...{ ...filter, ...place, group: query.group, consumer: query.consumer },
      maxUnacknowledged: query.inFlight,
    })
  }

  app.route({
    method: 'GET',
    url: '/api/events',
    config: { needs: 'look', stream: true },
    schema: {
      summary: 'Follow events (server-sent events; goes on after Last-Event-ID)',
      description:
        'Each event is named by its channel and has an id. `gap` tells of events that were removed before they were read. With a group an event comes again until POST /api/events/ack.',
      tags: TAGS,
      querystring: followQuery,
      produces: ['text/event-stream'],
    },
    handler: async (request, reply) => {
      const principal = principalOf(request)
      const after = sequenceFrom(lastEventId(request) ?? request.query.from)
      const source = await sourceOf({
        principal,
        query: request.query,
        ...(after === null ? {} : { after }),
      })
      const stream = new SseStream({}, { reply, clock })
      sources.add(source)
      stream.gone.addEventListener('abort', () => source.close())
      stream.open()
      if (stopping.aborted || reply.raw.destroyed) source.close()
      void sendEvents(source, { stream, clock })
        .catch((error: unknown) => {
          log.warn({ err: error }, 'a stream of events broke')
          stream.abort()
        })
        .finally(() => {
          source.close()
          sources.delete(source)
        })
      return reply
    },
  })

  app.route({
    method: 'GET',
    url: '/api/events/page',
    config: { needs: 'look' },
    schema: {
      summary: 'Read events from any point, or the latest ones',
      tags: TAGS,
      querystring: pageQuery,
      response: { 200: eventPageSchema },
    },
    handler: async request => {
      const principal = principalOf(request)
      const { query } = request
      return eventPageView(journal, {
        tenant: principal.tenant,
        channels: channelsOf(query.channels, principal),
        after: query.from === 'now' ? journal.lastSequence : sequenceFrom(query.from),
        limit: query.limit,
      })
    },
  })

  app.route({
    method: 'POST',
    url: '/api/events/ack',
    config: { needs: 'look' },
    schema: {
      summary: 'Acknowledge events that a group was given',
      tags: TAGS,
      body: ackBody,
      response: {
        200: z.object({ acknowledged: z.int().describe('Of those that were waited for; on disk.') }),
      },
    },
    handler: async request => {
      const { tenant } = principalOf(request)
      const { group, ids = [], upTo } = request.body
      return {
        acknowledged: await groups.acknowledge(
          { tenant, group },
          { sequences: ids.map(Number), ...(upTo === undefined ? {} : { upTo: Number(upTo) }) },
        ),
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/events/groups',
    config: { needs: 'look' },
    schema: { summary: 'List groups of consumers', tags: TAGS, response: { 200: z.array(groupSchema) } },
    handler: async request =>
      groups.list(principalOf(request).tenant).map(({ committed, channels: followed, ...group }) => ({
        ...group,
        channels: [...followed],
        committedId: String(committed),
      })),
  })

  app.route({
    method: 'DELETE',
    url: '/api/events/groups/:group',
    config: { needs: 'look' },
    schema: {
      summary: 'Remove a group of consumers',
      tags: TAGS,
      params: z.strictObject({ group: name }),
      response: { 200: z.object({ removed: z.literal(true) }) },
    },
    handler: async request => {
      const { tenant } = principalOf(request)
      await groups.remove({ tenant, group: request.params.group })
      return { removed: true as const }
    },
  })
}

/** @throws {GatewayError} UNAUTHENTICATED */
export function principalOf({ principal }: Pick<GatewayRequest, 'principal'>): Principal {
  if (principal !== null) return principal
  throw new GatewayError('UNAUTHENTICATED', 'nobody is signed in', { fix: 'Sign in, or send an API key.' })
}

/** @throws {GatewayError} FORBIDDEN where a tenant asks for what is not its own */
function channelsOf(wanted: readonly Channel[] | undefined, { tenant }: Principal): readonly Channel[] {
  const allowed = tenant === OWNER ? CHANNELS : TENANT_CHANNELS
  const foreign = wanted?.find(channel => !allowed.includes(channel))
  if (foreign === undefined) return wanted ?? allowed
  throw new GatewayError('FORBIDDEN', `the channel ${foreign} is the node owner's`, {
    fix: `Follow ${TENANT_CHANNELS.join(' and ')}: what is told there of you.`,
  })
}

/** What a client says that comes back; it counts more than where it once began. */
function lastEventId(request: GatewayRequest): string | undefined {
  const header = request.headers['last-event-id']
  if (header === undefined || header === '') return undefined
  const parsed = eventId.safeParse(header)
  if (parsed.success) return parsed.data
  throw new GatewayError('REQUEST_INVALID', 'Last-Event-ID is no id of an event', { param: 'last-event-id' })
}

/** Null for `now`, and where nothing is said. */
function sequenceFrom(place: string | undefined): number | null {
  if (place === undefined || place === 'now') return null
  return place === 'start' ? 0 : Number(place)
}
