import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Address, CidString, ModelId, NodeKey } from '../../ids.ts'
import { type BlobRef, blobRefSchema } from './blob-ref.ts'
import {
  distinct,
  domainSchema,
  type LossPair,
  lossPairSchema,
  MAX_ROUND_MEMBERS,
  PARTS_PER_MILLION,
} from './common.ts'

/** Whose update is in a version, and how much of it. */
export interface Contributor {
  node: NodeKey
  wallet: Address
  /** CID of the `update-reveal` record. */
  update: CidString
  /** Share of the version, millionths; all together at most a million. */
  weight: number
}

/** An accepted adapter and where it comes from; whoever has counted the votes may say so. */
export interface AdapterVersion {
  version: 1
  /** `name@sha256:…` of the adapter's file. */
  adapter: ModelId
  blob: BlobRef
  base: ModelId
  /** CID of the `adapter-version` record that the round went on from; null for the first of a base. */
  parent: CidString | null
  round: CidString
  /** CID of the `aggregate-proposal` record. */
  proposal: CidString
  domains: string[]
  contributors: Contributor[]
  /** CIDs of the `round-vote` records that make the quorum, sorted. */
  votes: CidString[]
  /** Stake-weighted medians of what the voters measured. */
  loss: LossPair
  general: LossPair | null
}

export const adapterVersionMessage: MessageDefinition<AdapterVersion> = {
  type: 'adapter-version',
  maxBytes: 24_576,
  schema: z.strictObject({
    version: z.literal(1),
    adapter: wire.modelId,
    blob: blobRefSchema,
    base: wire.modelId,
    parent: z.nullable(wire.cid),
    round: wire.cid,
    proposal: wire.cid,
    domains: z.array(domainSchema).max(MAX_ROUND_MEMBERS).refine(distinct, { message: 'must differ' }),
    contributors: z
      .array(
        z.strictObject({
          node: wire.nodeKey,
          wallet: wire.address,
          update: wire.cid,
          weight: z.int().min(0).max(PARTS_PER_MILLION),
        }),
      )
      .min(1)
      .max(MAX_ROUND_MEMBERS)
      .refine(contributors => distinct(contributors.map(({ update }) => update)), { message: 'must differ' })
      .refine(
        contributors => contributors.reduce((sum, { weight }) => sum + weight, 0) <= PARTS_PER_MILLION,
        {
          message: 'shares are more than all',
        },
      ),
    votes: z.array(wire.cid).min(1).max(MAX_ROUND_MEMBERS).refine(distinct, { message: 'must differ' }),
    loss: lossPairSchema,
    general: z.nullable(lossPairSchema),
  }),
}
