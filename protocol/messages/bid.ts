import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import { DATA_CLASSES, type DataClass } from '../data-class.ts'
import type { CidString, ModelId, NodeKey, TaskId } from '../ids.ts'
import { MAX_BID_WINDOW_MS, MAX_OUTPUT_TOKENS, MAX_REASON_CHARS } from '../limits.ts'
import { CAPACITY_MODES, type CapacityMode, SLA_CLASSES, type SlaClass } from '../sla-class.ts'
import { TASK_KINDS, type TaskKind } from './offer.ts'

export const AUCTIONS = ['first-price', 'second-price'] as const
export type Auction = (typeof AUCTIONS)[number]

/** A task made known without its content: what a provider must know to name a price. */
export interface TaskAnnouncement {
  version: 1
  taskId: TaskId
  requester: NodeKey
  auction: Auction
  issuedAtMs: number
  /** Bids that arrive later do not count. */
  bidWindowMs: number
  kind: TaskKind
  /** A model's id, or a name as people write it; null takes any. */
  model: string | null
  /** What the prompt can have at most. */
  promptTokens: number
  maxTokens: number
  mode: CapacityMode
  slaClass: SlaClass
  dataClass: DataClass
  /** Base units the prompt and the longest answer may cost at most: what a lone bidder is paid in a second-price auction. */
  reserve: bigint
}

/** A provider's signed answer to an announced task; sealed, for it travels to the requester alone. */
export interface Bid {
  version: 1
  /** CID of the signed announcement. */
  announcement: CidString
  model: ModelId
  /** Base units per million tokens. */
  inputPerMillion: bigint
  outputPerMillion: bigint
  /** Until when a task may begin at this price. */
  expiresAtMs: number
  /** What the provider expects, ms and tokens a second. */
  ttftMs: number
  tokensPerSecond: number
}

/** What a requester that accepts a bid shows its provider. */
export interface Award {
  /** CID of the bid. */
  bid: CidString
  /** The signed bid that came second; null where none did. The price of a second-price auction follows from it. */
  runnerUp: Uint8Array | null
}

export const taskAnnouncementMessage: MessageDefinition<TaskAnnouncement> = {
  type: 'task-announcement',
  maxBytes: 1_024,
  schema: z.strictObject({
    version: z.literal(1),
    taskId: wire.taskId,
    requester: wire.nodeKey,
    auction: z.enum(AUCTIONS),
    issuedAtMs: wire.timeMs,
    bidWindowMs: z.int().min(1).max(MAX_BID_WINDOW_MS),
    kind: z.enum(TASK_KINDS),
    model: z.nullable(z.string().max(200)),
    promptTokens: wire.count,
    maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS),
    mode: z.enum(CAPACITY_MODES),
    slaClass: z.enum(SLA_CLASSES),
    dataClass: z.enum(DATA_CLASSES),
    reserve: wire.amount,
  }),
}

export const bidMessage: MessageDefinition<Bid> = {
  type: 'bid',
  maxBytes: 1_024,
  schema: z.strictObject({
    version: z.literal(1),
    announcement: wire.cid,
    model: wire.modelId,
    inputPerMillion: wire.amount,
    outputPerMillion: wire.amount,
    expiresAtMs: wire.timeMs,
    ttftMs: wire.count,
    tokensPerSecond: wire.count,
  }),
}

/** What a requester says on a stream of bids, which stays open for many auctions. */
export type BidRequest =
  /** Asks for a bid. The record is a signed announcement. */
  | { kind: 'announcement'; record: Uint8Array }
  /** After an auction, to whom its bid did not win: the seals are off. The winner is a signed bid. */
  | { kind: 'outcome'; bid: CidString; winner: Uint8Array }

/** The answer to an announcement. */
export interface BidResponse {
  /** CID of the signed announcement. */
  announcement: CidString
  /** Signed bid; null where none is made. */
  bid: Uint8Array | null
  /** Why not, for people; empty with a bid. */
  reason: string
}

const FRAME_OVERHEAD_BYTES = 512

export const bidRequestMessage: MessageDefinition<BidRequest> = {
  type: 'bid-request',
  maxBytes: Math.max(taskAnnouncementMessage.maxBytes, bidMessage.maxBytes) + FRAME_OVERHEAD_BYTES,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('announcement'),
      record: wire.bytes(taskAnnouncementMessage.maxBytes),
    }),
    z.strictObject({
      kind: z.literal('outcome'),
      bid: wire.cid,
      winner: wire.bytes(bidMessage.maxBytes),
    }),
  ]),
}

export const bidResponseMessage: MessageDefinition<BidResponse> = {
  type: 'bid-response',
  maxBytes: bidMessage.maxBytes + FRAME_OVERHEAD_BYTES,
  schema: z.strictObject({
    announcement: wire.cid,
    bid: z.nullable(wire.bytes(bidMessage.maxBytes)),
    reason: wire.text(MAX_REASON_CHARS),
  }),
}

export const awardSchema = z.strictObject({
  bid: wire.cid,
  runnerUp: z.nullable(wire.bytes(bidMessage.maxBytes)),
})
