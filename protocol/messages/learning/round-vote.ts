import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { CidString } from '../../ids.ts'
import { BLOB_DIGEST_PATTERN, type BlobDigest } from './blob-ref.ts'

/**
 * Why a member votes as it does. `better`: the only one that accepts. `no_gain`: it removes too little loss.
 * `regression`: too much of the revealed data is foretold worse. `general_regression`: so is general data.
 * `mismatch`: the proposed bytes are not what the scores make. `invalid`: they are no adapter for this round.
 */
export const VOTE_REASONS = [
  'better',
  'no_gain',
  'regression',
  'general_regression',
  'mismatch',
  'invalid',
] as const
export type VoteReason = (typeof VOTE_REASONS)[number]

/** Losses are in millionths of a nat per token, so that every language writes the same bytes. */
export const MICRO_NATS = 1_000_000
/** No tokenizer of today has a vocabulary over which guessing blindly costs so much. */
export const MAX_LOSS_NATS = 32

/** What a member measured of a proposed adapter, and whether it is for it. A member votes once in a round. */
export interface RoundVote {
  round: CidString
  /** The proposed adapter's file. */
  adapter: BlobDigest
  accept: boolean
  reason: VoteReason
  /** On the revealed validation data, with the round's parent, micro-nats per token. */
  lossBefore: number
  /** On the same with the proposed adapter. */
  lossAfter: number
  /** On general data. */
  generalBefore: number
  generalAfter: number
}

/** Micro-nats per token of a message. */
export const lossSchema = z
  .int()
  .min(0)
  .max(MAX_LOSS_NATS * MICRO_NATS)

export const roundVoteMessage: MessageDefinition<RoundVote> = {
  type: 'round-vote',
  maxBytes: 1_024,
  schema: z
    .strictObject({
      round: wire.cid,
      adapter: z.string().regex(BLOB_DIGEST_PATTERN),
      accept: z.boolean(),
      reason: z.enum(VOTE_REASONS),
      lossBefore: lossSchema,
      lossAfter: lossSchema,
      generalBefore: lossSchema,
      generalAfter: lossSchema,
    })
    .refine(({ accept, reason }) => accept === (reason === 'better'), { message: 'contradicts its reason' }),
}
