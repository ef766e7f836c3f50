import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Bytes32, CidString } from '../../ids.ts'
import { type BlobRef, blobRefSchema } from './blob-ref.ts'
import { distinct, MAX_AGGREGATE_ATTEMPTS, MAX_ROUND_MEMBERS, PARTS_PER_MILLION } from './common.ts'

/** An update that goes into an aggregate. */
export interface AggregateInput {
  /** CID of the `update-reveal` record. */
  update: CidString
  /** Share of the loss that it removes, millionths. */
  weight: number
}

/** One member's try at the round's adapter: everyone can make the same bytes of what it names. */
export interface AggregateProposal {
  version: 1
  round: CidString
  /** From 0; says whose turn it was. */
  attempt: number
  /** CIDs of the joins of all who take part, sorted: the stake of these is what two thirds are reckoned of. */
  roster: CidString[]
  /** CIDs of the score reports that it rests on, sorted. */
  scores: CidString[]
  /** What follows from those reports, sorted by update. */
  inputs: AggregateInput[]
  adapter: BlobRef
  /** Share of the squared norm that was lost by the reduction to the rank. */
  discardedEnergy: number
}

const CONTEXT = utf8ToBytes('shoal/1/round-roster\0')

/** SHA-256 of `shoal/1/round-roster` ‖ 0x00 ‖ the CIDs as bytes in their order: what a vote says two thirds are reckoned of. */
export function rosterDigest(roster: readonly CidString[]): Bytes32 {
  return `0x${bytesToHex(sha256(concatBytes(CONTEXT, ...roster.map(cid => CID.parse(cid).bytes))))}`
}

const isSorted = (values: readonly string[]) =>
  values.every((value, index) => index === 0 || values[index - 1]! < value)

export const aggregateProposalMessage: MessageDefinition<AggregateProposal> = {
  type: 'aggregate-proposal',
  maxBytes: 16_384,
  schema: z.strictObject({
    version: z.literal(1),
    round: wire.cid,
    attempt: z
      .int()
      .min(0)
      .max(MAX_AGGREGATE_ATTEMPTS - 1),
    roster: z.array(wire.cid).min(1).max(MAX_ROUND_MEMBERS).refine(isSorted, { message: 'must be sorted' }),
    scores: z.array(wire.cid).min(1).max(MAX_ROUND_MEMBERS).refine(isSorted, { message: 'must be sorted' }),
    inputs: z
      .array(z.strictObject({ update: wire.cid, weight: z.int().min(1).max(PARTS_PER_MILLION) }))
      .min(1)
      .max(MAX_ROUND_MEMBERS)
      .refine(inputs => isSorted(inputs.map(({ update }) => update)), { message: 'must be sorted' })
      .refine(inputs => distinct(inputs.map(({ update }) => update))),
    adapter: blobRefSchema,
    discardedEnergy: z.number().min(0).max(1),
  }),
}
