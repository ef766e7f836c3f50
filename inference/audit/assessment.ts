import { z } from 'zod'
import type { Bytes32 } from '../../protocol/ids.ts'
import type { EndReason } from '../../protocol/messages/receipt.ts'
import { CELLS, STATISTIC_VERSION } from './cells.ts'
import type { ScoredOutput } from './scored-output.ts'

/** Who chose the tokens: ours, which an auditor can repeat, or the engine's own, which it cannot. */
export const SAMPLER_IDS = ['gumbel-64/1', 'engine'] as const
export type SamplerId = (typeof SAMPLER_IDS)[number]

/** What a receipt, its request and its answer claim, as far as an audit compares it. */
export interface AuditClaim {
  sampler: SamplerId
  sampling: { temperature: number; topK: number; minP: number; topP: number }
  /** Output tokens of this receipt, a continuation's not counted. */
  outputTokens: number
  /** The text delivered for them; null where it is not known. */
  text: string | null
  reason: EndReason
  /** Output tokens that were asked for, a continuation's not counted. */
  maxTokens: number
  /** Tokens the provider's sequence could hold, prompt and output; null where it is not known. */
  contextTokens: number | null
  stop: readonly string[]
  /** Of the receipt; null where the provider did not say. */
  promptTokens: number | null
  promptDigest: Bytes32 | null
}

/** `wrong` only where no honest node could have said so. */
export type ClaimCheck = 'right' | 'wrong' | 'unknown'

/** What one audit found, small enough to keep and to send. Counts say how it may be judged, rates how it reads. */
export interface Assessment {
  version: typeof STATISTIC_VERSION
  sampler: SamplerId
  tokens: number
  /** Tokens of each cell (`cellOf`), CELLS numbers. */
  cells: readonly number[]
  /** Share of tokens that won. */
  matchRate: number
  /** Nats at temperature 1, each token's at most MARGIN_CAP (Token-DiFR). */
  meanMargin: number
  /** Share of tokens that were filtered or absent. */
  outsideRate: number
  /** Of the tokens that were among the candidates, nats at temperature 1; 0 where none was. */
  meanLogProb: number
  /** Whether the reason for ending is what the tokens show. */
  stop: ClaimCheck
  /** Whether the provider read the prompt that was asked. */
  prompt: ClaimCheck
  /** Whether the tokens spell the text that was delivered. */
  text: ClaimCheck
}

const check = z.enum(['right', 'wrong', 'unknown'])
const share = z.number().min(0).max(1)

export const assessmentSchema: z.ZodType<Assessment> = z
  .strictObject({
    version: z.literal(STATISTIC_VERSION),
    sampler: z.enum(SAMPLER_IDS),
    tokens: z.int().min(0),
    cells: z.array(z.int().min(0)).length(CELLS),
    matchRate: share,
    meanMargin: z.number().min(0),
    outsideRate: share,
    meanLogProb: z.number().max(0),
    stop: check,
    prompt: check,
    text: check,
  })
  .refine(({ tokens, cells }) => cells.reduce((sum, count) => sum + count, 0) === tokens)

/**
 * Compares what a provider claims with what the auditor's own model says of it.
 * @throws {RangeError} when `scored` and `claim` are not of one output
 */
export declare function assess(scored: ScoredOutput, claim: AuditClaim): Assessment
