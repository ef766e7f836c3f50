import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Bytes32, CidString } from '../../ids.ts'
import { type BlobDigest, blobDigestSchema } from './blob-ref.ts'
import { type LossPair, lossPairSchema } from './common.ts'

/** Why a voter is against an adapter. `worse`: it removes no loss. `regression`: the general text is foretold worse. */
export const VOTE_REASONS = ['better', 'worse', 'regression', 'unmeasurable'] as const
export type VoteReason = (typeof VOTE_REASONS)[number]

/** One member's word on the round's adapter; one a member and round, whatever attempts there are. */
export interface RoundVote {
  version: 1
  round: CidString
  /** CID of the `aggregate-proposal` record that it measured. */
  proposal: CidString
  /** Of the proposal's adapter: proposals with the same adapter and roster are one. */
  adapter: BlobDigest
  /** `rosterDigest` of the proposal's roster. */
  roster: Bytes32
  accept: boolean
  /** `better` goes with `accept` alone. */
  reason: VoteReason
  /** On the texts that members gave, all together; null where it is `unmeasurable`. */
  loss: LossPair | null
  /** On the manifest's general text; null where there is none. */
  general: LossPair | null
}

export const roundVoteMessage: MessageDefinition<RoundVote> = {
  type: 'round-vote',
  maxBytes: 1_024,
  schema: z
    .strictObject({
      version: z.literal(1),
      round: wire.cid,
      proposal: wire.cid,
      adapter: blobDigestSchema,
      roster: wire.bytes32,
      accept: z.boolean(),
      reason: z.enum(VOTE_REASONS),
      loss: z.nullable(lossPairSchema),
      general: z.nullable(lossPairSchema),
    })
    .refine(({ accept, reason }) => accept === (reason === 'better'), {
      message: 'the reason contradicts the vote',
    })
    .refine(({ accept, loss }) => !accept || loss !== null, { message: 'who accepts has measured' }),
}
