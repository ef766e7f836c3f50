import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { CidString } from '../../ids.ts'

/** Records that one answer holds at most, and CIDs that are asked for at once. */
export const MAX_SYNC_RECORDS = 64
/** All records of a round: eight of each member, and both of who contradicts itself. */
export const MAX_ROUND_RECORDS = 1_024
const MAX_SYNC_ROUNDS = 16
const MAX_RECORD_BYTES = 24_576

/** Asks a peer what it knows of rounds: which are going on, which records one has, or the records themselves. */
export type LearningSyncRequest =
  | { kind: 'rounds' }
  | { kind: 'list'; round: CidString }
  | { kind: 'records'; round: CidString; records: CidString[] }

export type LearningSyncResponse =
  | { kind: 'rounds'; rounds: CidString[] }
  | { kind: 'list'; records: CidString[] }
  /** Those of the records asked for that it has, as far as there is room. */
  | { kind: 'records'; records: Uint8Array[] }

export const learningSyncRequestMessage: MessageDefinition<LearningSyncRequest> = {
  type: 'learning-sync-request',
  maxBytes: 4_096,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('rounds') }),
    z.strictObject({ kind: z.literal('list'), round: wire.cid }),
    z.strictObject({
      kind: z.literal('records'),
      round: wire.cid,
      records: z.array(wire.cid).min(1).max(MAX_SYNC_RECORDS),
    }),
  ]),
}

export const learningSyncResponseMessage: MessageDefinition<LearningSyncResponse> = {
  type: 'learning-sync-response',
  maxBytes: 262_144,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('rounds'), rounds: z.array(wire.cid).max(MAX_SYNC_ROUNDS) }),
    z.strictObject({ kind: z.literal('list'), records: z.array(wire.cid).max(MAX_ROUND_RECORDS) }),
    z.strictObject({
      kind: z.literal('records'),
      records: z.array(wire.bytes(MAX_RECORD_BYTES, 1)).max(MAX_SYNC_RECORDS),
    }),
  ]),
}
