import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Bytes32, CidString } from '../../ids.ts'
import { type BlobRef, blobRefSchema } from './blob-ref.ts'
import { domainSchema, MAX_VALIDATION_SETS } from './common.ts'
import { UPDATE_ENCODINGS, type UpdateEncoding } from './round-manifest.ts'

/** The privacy that noise gave to an update: ε at δ, both over the whole round. */
export interface PrivacyClaim {
  epsilon: number
  delta: number
  clipNorm: number
  noiseMultiplier: number
}

/** A text for scoring, now to be fetched. */
export interface RevealedValidation {
  blob: BlobRef
  domain: string
}

/** Opens a commitment; the CID of its record names the update from then on. */
export interface UpdateReveal {
  version: 1
  round: CidString
  /** CID of the signer's `update-commitment` record. */
  commitment: CidString
  update: BlobRef
  encoding: UpdateEncoding
  salt: Bytes32
  domain: string
  /** What the signer's join hid: the same digests in the same order. */
  validation: RevealedValidation[]
  privacy: PrivacyClaim | null
  /** Tokens it was trained on, as its author says. */
  tokens: number
}

export const updateRevealMessage: MessageDefinition<UpdateReveal> = {
  type: 'update-reveal',
  maxBytes: 2_048,
  schema: z.strictObject({
    version: z.literal(1),
    round: wire.cid,
    commitment: wire.cid,
    update: blobRefSchema,
    encoding: z.enum(UPDATE_ENCODINGS),
    salt: wire.bytes32,
    domain: domainSchema,
    validation: z
      .array(z.strictObject({ blob: blobRefSchema, domain: domainSchema }))
      .max(MAX_VALIDATION_SETS),
    privacy: z.nullable(
      z.strictObject({
        epsilon: z.number().positive().max(1e9),
        delta: z.number().positive().max(1),
        clipNorm: z.number().positive().max(1e6),
        noiseMultiplier: z.number().min(0).max(1e3),
      }),
    ),
    tokens: wire.count,
  }),
}
