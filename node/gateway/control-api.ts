import { z } from 'zod'
import { DATA_CLASSES } from '../../protocol/data-class.ts'
import type { ShoalError } from '../../protocol/errors.ts'
import { TASK_ID_PATTERN } from '../../protocol/ids.ts'
import {
  MAX_CHAT_MESSAGES,
  MAX_JSON_SCHEMA_BYTES,
  MAX_OUTPUT_TOKENS,
  MAX_SAMPLED_CANDIDATES,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
  MAX_TEXT_BYTES,
} from '../../protocol/limits.ts'
import { AUCTIONS } from '../../protocol/messages/bid.ts'
import { ROLES } from '../../protocol/roles.ts'
import { CAPACITY_MODES, SLA_CLASSES } from '../../protocol/sla-class.ts'
import { HISTORY_SPANS } from '../market/history-spans.ts'
import { DEFAULT_PREFERENCES, STRATEGIES } from '../market/preferences.ts'
import { TASK_CLASS_PATTERN } from '../market/routing/learning/task-class.ts'
import { BATCH_PICKS } from '../tasks/batch.ts'
import { accountMethods } from './account-methods.ts'
import { calibrationMethods } from './calibration-methods.ts'
import { disputeMethods } from './dispute-methods.ts'
import { doorMethods } from './door-methods.ts'
import { eventMethods } from './event-methods.ts'
import { inferenceMethods, nodeTools } from './inference-methods.ts'
import { learningMethods } from './learning-methods.ts'
import { offerMethods } from './offer-methods.ts'
import { routeMethods } from './route-methods.ts'
import { trustMethods } from './trust-methods.ts'
import { twinMethods } from './twin-methods.ts'
import { versionMethods } from './version-methods.ts'

/** The commands a running node takes from its owner, with what each must be given. Amounts are decimal credits. */
const credits = z.string().regex(/^\d+(\.\d+)?$/)

/** Nobody waits longer than a day for an answer. */
const MAX_DEADLINE_MS = 24 * 3_600_000

/** Tasks of one batch. */
export const MAX_BATCH_TASKS = 1_000
const MAX_CONCURRENT_TASKS = 64
const DEFAULT_CONCURRENT_TASKS = 16

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string().max(MAX_TEXT_BYTES),
})

const ask = z.strictObject({
  messages: z.array(message).min(1).max(MAX_CHAT_MESSAGES),
  model: z.nullable(z.string().max(200)).default(null),
  maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS).default(256),
  maxPrice: z.nullable(credits).default(null),
  temperature: z.number().min(0).max(5).default(0),
  topP: z.number().min(0).max(1).default(1),
  minP: z.number().min(0).max(1).default(0),
  topK: z.int().min(0).max(MAX_SAMPLED_CANDIDATES).default(0),
  seed: z.nullable(z.int().min(0).max(0xffff_ffff)).default(null),
  stop: z.array(z.string().min(1).max(MAX_STOP_STRING_BYTES)).max(MAX_STOP_STRINGS).default([]),
  jsonSchema: z.nullable(z.string().max(MAX_JSON_SCHEMA_BYTES)).default(null),
  /** For which routing learns; null finds it from the prompt. */
  taskClass: z.nullable(z.string().regex(TASK_CLASS_PATTERN)).default(null),
  strategy: z.enum(STRATEGIES).default(DEFAULT_PREFERENCES.strategy),
  mode: z.enum(CAPACITY_MODES).default(DEFAULT_PREFERENCES.mode),
  slaClass: z.enum(SLA_CLASSES).default(DEFAULT_PREFERENCES.slaClass),
  /** Null: as `privacy.defaultClass` says. */
  dataClass: z.nullable(z.enum(DATA_CLASSES)).default(null),
  region: z.nullable(z.string().min(1).max(16)).default(DEFAULT_PREFERENCES.region),
  minReputation: z.number().min(0).max(100).default(DEFAULT_PREFERENCES.minReputation),
  minStake: credits.default('0'),
  minQuality: z.number().min(0).max(1).default(DEFAULT_PREFERENCES.minQuality),
  deadlineMs: z.nullable(z.int().min(1).max(MAX_DEADLINE_MS)).default(DEFAULT_PREFERENCES.deadlineMs),
  auction: z.nullable(z.enum(AUCTIONS)).default(DEFAULT_PREFERENCES.auction),
  tools: nodeTools,
})

export const controlMethods = {
  status: z.strictObject({}),
  models: z.strictObject({}),
  peers: z.strictObject({}),
  market: z.strictObject({
    model: z.nullable(z.string().max(200)).default(null),
    span: z.nullable(z.enum(HISTORY_SPANS)).default(null),
  }),
  ...offerMethods,
  wallet: z.strictObject({}),
  receipts: z.strictObject({ limit: z.int().min(1).max(10_000).default(20) }),
  settle: z.strictObject({}),
  withdraw: z.strictObject({ amount: z.nullable(credits).default(null) }),
  closeChannels: z.strictObject({}),
  stake: z.strictObject({}),
  addStake: z.strictObject({ amount: credits }),
  setRoles: z.strictObject({ roles: z.array(z.enum(ROLES)).max(ROLES.length) }),
  unbond: z.strictObject({ amount: credits }),
  cancelUnbonding: z.strictObject({}),
  withdrawStake: z.strictObject({}),
  anchor: z.strictObject({}),
  doctor: z.strictObject({}),
  metrics: z.strictObject({}),
  stop: z.strictObject({}),
  ...routeMethods,
  ...trustMethods,
  ...calibrationMethods,
  ...versionMethods,
  ...disputeMethods,
  ...learningMethods,
  ...eventMethods,
  ...twinMethods,
  ...inferenceMethods,
  ...doorMethods,
  ...accountMethods,
  /** Streams what happens until the caller goes. */
  events: z.strictObject({}),
  /** Ends a running task; its stream ends with what has come. */
  cancel: z.strictObject({ taskId: z.string().regex(TASK_ID_PATTERN) }),
  /** Streams a task; the caller going away cancels it. */
  ask,
  /** Plans and does many tasks, and streams how each ends; the caller going away cancels them. */
  batch: z.strictObject({
    tasks: z.array(ask).min(1).max(MAX_BATCH_TASKS),
    budget: z.nullable(credits).default(null),
    deadlineMs: z.nullable(z.int().min(1).max(MAX_DEADLINE_MS)).default(null),
    minQuality: z.number().min(0).max(1).default(0),
    pick: z.enum(BATCH_PICKS).default('balanced'),
    planOnly: z.boolean().default(false),
    maxConcurrent: z.int().min(1).max(MAX_CONCURRENT_TASKS).default(DEFAULT_CONCURRENT_TASKS),
  }),
} as const

export type ControlMethod = keyof typeof controlMethods
export type ControlParameters<M extends ControlMethod> = z.output<(typeof controlMethods)[M]>
export type ControlRequest<M extends ControlMethod> = z.input<(typeof controlMethods)[M]>

/** What answers some of the methods; `tell` is for streaming ones, the signal fires when the caller is gone. */
export type ControlHandlersOf<M extends ControlMethod> = {
  [K in M]: (parameters: ControlParameters<K>, tell: (event: unknown) => void, signal: AbortSignal) => unknown
}

/** Methods whose answer is a stream of lines. */
export const STREAMING: ReadonlySet<ControlMethod> = new Set([
  'events',
  'ask',
  'batch',
  'calibrate',
  'trainTwin',
])

/** One line of a streamed answer. */
export type ControlLine =
  | { event: unknown }
  | { result: unknown }
  | { error: ReturnType<ShoalError['toJSON']> }
