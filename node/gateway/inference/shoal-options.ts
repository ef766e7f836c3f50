import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { AUCTIONS } from '../../../protocol/messages/bid.ts'
import { parseCredits } from '../../../protocol/money.ts'
import { CAPACITY_MODES, SLA_CLASSES } from '../../../protocol/sla-class.ts'
import { STRATEGIES } from '../../market/preferences.ts'
import { TASK_CLASS_PATTERN } from '../../market/routing/learning/task-class.ts'
import { GatewayError } from '../http/http-error.ts'
import { NO_SHOAL_OPTIONS, type ShoalOptions } from './canonical-request.ts'

const MAX_DEADLINE_MS = 24 * 3_600_000
/** Of configured MCP servers, for one answer. */
const MAX_TOOLS = 16
const credits = z.string().regex(/^\d{1,21}(\.\d{1,18})?$/, 'is no amount of credits')

/** What a request may say in `shoal`, whatever its dialect: how the task is to be done. */
export const shoalOptionsSchema = z
  .strictObject({
    strategy: z.enum(STRATEGIES).describe('What the choice of a provider is optimised for.'),
    mode: z.enum(CAPACITY_MODES).describe('spot is cheaper and may be moved to another provider.'),
    slaClass: z.enum(SLA_CLASSES).describe('A: several operators must agree; S: staked ones.'),
    dataClass: z.enum(DATA_CLASSES).describe('How far the content may travel.'),
    region: z.string().min(1).max(16).describe("A region's beginning, such as eu."),
    minReputation: z.number().min(0).max(100),
    minStake: credits.describe('Credits the provider must have at stake.'),
    minQuality: z.number().min(0).max(1),
    deadlineMs: z.int().min(1).max(MAX_DEADLINE_MS),
    auction: z.enum(AUCTIONS),
    maxPrice: credits.describe('Credits the whole request may cost, decimal.'),
    preferredProvider: z
      .string()
      .max(80)
      .describe('Who is tried first: a PeerId, local, or cloud:<service>.'),
    taskClass: z.string().regex(TASK_CLASS_PATTERN).describe('Kind of work, for which routing learns.'),
    tools: z
      .array(z.string().min(3).max(161))
      .max(MAX_TOOLS)
      .describe('Tools of MCP servers set up at the node that the answer may use, as server/tool.'),
  })
  .partial()
  .describe('How the task is to be done. The same may be said in headers: shoal-strategy, shoal-max-price, …')

export type ShoalOptionsInput = z.output<typeof shoalOptionsSchema>

const NUMERIC: ReadonlySet<string> = new Set(['minReputation', 'minQuality', 'deadlineMs'])
const LISTS: ReadonlySet<string> = new Set(['tools'])
const HEADERS = Object.keys(shoalOptionsSchema.shape).map(key => ({
  key,
  header: `shoal-${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`,
}))

/**
 * How a task is to be done: by the body's `shoal`, else by the headers `shoal-*`.
 * @throws {GatewayError} REQUEST_INVALID for headers that say nothing known
 */
export function shoalOptionsFrom(
  body: ShoalOptionsInput | undefined,
  headers: IncomingHttpHeaders,
): ShoalOptions {
  const inHeaders = fromHeaders(headers)
  if (inHeaders === null && body === undefined) return NO_SHOAL_OPTIONS
  const { minStake, maxPrice, ...rest } = { ...inHeaders, ...body }
  return {
    ...NO_SHOAL_OPTIONS,
    ...rest,
    minStake: minStake === undefined ? null : parseCredits(minStake),
    maxPrice: maxPrice === undefined ? null : parseCredits(maxPrice),
  }
}

function fromHeaders(headers: IncomingHttpHeaders): ShoalOptionsInput | null {
  let given: Record<string, unknown> | null = null
  for (const { key, header } of HEADERS) {
    const value = headers[header]
    if (typeof value !== 'string' || value === '') continue
    given ??= {}
    given[key] = NUMERIC.has(key) ? Number(value) : LISTS.has(key) ? value.split(/\s*,\s*/) : value
  }
  if (given === null) return null
  const parsed = shoalOptionsSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const header = HEADERS.find(({ key }) => key === issue?.path[0])?.header ?? 'shoal-*'
  throw new GatewayError('REQUEST_INVALID', `the header ${header}: ${issue?.message}`, { param: header })
}
