import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { CidString } from '../../ids.ts'
import { distinct, type LossPair, lossPairSchema, MAX_ROUND_MEMBERS } from './common.ts'

/**
 * What a scorer finds of an update. `accepted`: it removes loss. `no_gain`: it does not. `not_own`: random data gains as much
 * as what it says it was trained on. `copy`: it is another's. `invalid`: it cannot be an update of this round; `code` says why.
 * `unavailable`: nobody gave it.
 */
export const UPDATE_VERDICTS = ['accepted', 'no_gain', 'not_own', 'copy', 'invalid', 'unavailable'] as const
export type UpdateVerdict = (typeof UPDATE_VERDICTS)[number]

export interface UpdateScore {
  /** CID of the `update-reveal` record. */
  update: CidString
  verdict: UpdateVerdict
  /** Why it is invalid, as `WRONG_RANK`; null for every other verdict. */
  code: string | null
  /** Loss on texts of the update's own domain; null where it was not measured. */
  ownDomain: LossPair | null
  /** Loss on texts of other domains. */
  random: LossPair | null
  /** CID of the reveal that it is a copy of; null for every other verdict. */
  similarTo: CidString | null
}

/** One scorer's report on all updates of a round; one a member. */
export interface UpdateScores {
  version: 1
  round: CidString
  entries: UpdateScore[]
}

export const updateScoresMessage: MessageDefinition<UpdateScores> = {
  type: 'update-scores',
  maxBytes: 24_576,
  schema: z.strictObject({
    version: z.literal(1),
    round: wire.cid,
    entries: z
      .array(
        z
          .strictObject({
            update: wire.cid,
            verdict: z.enum(UPDATE_VERDICTS),
            code: z.nullable(z.string().regex(/^[A-Z][A-Z0-9_]{0,31}$/)),
            ownDomain: z.nullable(lossPairSchema),
            random: z.nullable(lossPairSchema),
            similarTo: z.nullable(wire.cid),
          })
          .refine(({ verdict, code }) => (verdict === 'invalid') === (code !== null), {
            message: 'a code goes with what is invalid',
          })
          .refine(({ verdict, similarTo }) => (verdict === 'copy') === (similarTo !== null), {
            message: 'a copy names what it is a copy of',
          })
          .refine(({ verdict, ownDomain }) => verdict !== 'accepted' || ownDomain !== null, {
            message: 'what is accepted was measured',
          }),
      )
      .max(MAX_ROUND_MEMBERS)
      .refine(entries => distinct(entries.map(({ update }) => update)), {
        message: 'must be of different updates',
      }),
  }),
}
