import { z } from 'zod'
import { wire } from '../../codec.ts'

/** Members of a round; each has one join, commitment, reveal and score report, so that this bounds them all. */
export const MAX_ROUND_MEMBERS = 64
/** Public texts that one member gives to measure updates with. */
export const MAX_VALIDATION_SETS = 4
/** How often another member may try to aggregate. */
export const MAX_AGGREGATE_ATTEMPTS = 8

/** What data is about: `notes`, `legal-de`. */
export const DOMAIN_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/
export const domainSchema = z.string().regex(DOMAIN_PATTERN)

/** Losses are whole micro-nats per token, so that all nodes reckon with them alike. */
export type MicroNats = number
export const MICRO_NATS_PER_NAT = 1_000_000
/** A loss beyond this is none: 1,000 nats a token. */
const MAX_LOSS = 1_000 * MICRO_NATS_PER_NAT
const microNatsSchema = z.int().min(0).max(MAX_LOSS)

/** Shares in millionths. */
export const PARTS_PER_MILLION = 1_000_000
export const partsPerMillionSchema = z.int().min(0).max(PARTS_PER_MILLION)

/** A public text that is hidden behind its digest until updates are revealed. */
export interface HiddenValidation {
  /** sha256 of the JSONL file. */
  digest: string
  domain: string
}

/** What stands for a text until it is shown. @param digest `sha256:…` of its file */
export function hiddenValidation(digest: string, domain: string): HiddenValidation {
  return { digest: `0x${digest.slice('sha256:'.length)}`, domain }
}

export const hiddenValidationSchema: z.ZodType<HiddenValidation> = z.strictObject({
  digest: wire.bytes32,
  domain: domainSchema,
})

/** Losses of a model without and with what is measured. */
export interface LossPair {
  before: MicroNats
  after: MicroNats
}

export const lossPairSchema: z.ZodType<LossPair> = z.strictObject({
  before: microNatsSchema,
  after: microNatsSchema,
})

/** Arrays of distinct values, so that nothing counts twice. */
export function distinct<T>(values: readonly T[]): boolean {
  return new Set(values).size === values.length
}
