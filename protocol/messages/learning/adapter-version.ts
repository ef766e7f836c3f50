import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Address, CidString, ModelId, NodeKey } from '../../ids.ts'
import { BLOB_DIGEST_PATTERN, type BlobDigest, type BlobRef, blobRefSchema } from './blob-ref.ts'

export const MAX_VERSION_MEMBERS = 256
/** What the weights of a version's contributors add up to. */
export const WEIGHT_UNITS = 1_000_000
export const DOMAIN_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whose update went into a version, and how much of it. */
export interface VersionContributor {
  node: NodeKey
  /** To whom its part of the learners' pool goes, as far as the chain binds the two. */
  wallet: Address
  update: BlobDigest
  /** The data it was trained on, as its author said when it committed. */
  domain: string
  /** Millionths of the whole. */
  weight: number
}

/** Whose stake took part in a round. */
export interface VersionMember {
  node: NodeKey
  wallet: Address
  /** Its record of joining. */
  join: CidString
  /** Its `round-vote`; null where it did not vote. */
  vote: CidString | null
}

/**
 * An accepted adapter with its line back to the base: who made it from what, and who found it better. Says nothing
 * by itself: the votes it names, weighed by the stakes on chain, do. Members of a round sign the same body.
 */
export interface AdapterVersion {
  /** `name@sha256:…` of the adapter's file. */
  model: ModelId
  adapter: BlobRef
  base: ModelId
  /** The version that the round went on from; null for the base alone. */
  parent: ModelId | null
  /** Its manifest. */
  round: CidString
  /** What the round was about; versions of one base and domain follow each other. */
  domain: string
  /** Sorted by node. */
  contributors: VersionContributor[]
  /** Sorted by node. */
  members: VersionMember[]
}

const domainSchema = z.string().regex(DOMAIN_PATTERN)

export const adapterVersionMessage: MessageDefinition<AdapterVersion> = {
  type: 'adapter-version',
  maxBytes: 131_072,
  schema: z
    .strictObject({
      model: wire.modelId,
      adapter: blobRefSchema,
      base: wire.modelId,
      parent: z.nullable(wire.modelId),
      round: wire.cid,
      domain: domainSchema,
      contributors: z
        .array(
          z.strictObject({
            node: wire.nodeKey,
            wallet: wire.address,
            update: z.string().regex(BLOB_DIGEST_PATTERN),
            domain: domainSchema,
            weight: z.int().min(0).max(WEIGHT_UNITS),
          }),
        )
        .min(1)
        .max(MAX_VERSION_MEMBERS)
        .refine(isSortedByNode, { message: 'must be sorted by node, each once' })
        .refine(all => all.reduce((sum, { weight }) => sum + weight, 0) === WEIGHT_UNITS, {
          message: 'weights must add up to the whole',
        }),
      members: z
        .array(
          z.strictObject({
            node: wire.nodeKey,
            wallet: wire.address,
            join: wire.cid,
            vote: z.nullable(wire.cid),
          }),
        )
        .min(1)
        .max(MAX_VERSION_MEMBERS)
        .refine(isSortedByNode, { message: 'must be sorted by node, each once' }),
    })
    .refine(({ model, adapter }) => model.endsWith(`@${adapter.digest}`), {
      message: 'the model must be the adapter',
    }),
}

function isSortedByNode(all: readonly { node: NodeKey }[]): boolean {
  return all.every(({ node }, i) => i === 0 || all[i - 1]!.node < node)
}
