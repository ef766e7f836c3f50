import { z } from 'zod'
import type { Bytes32 } from '../../protocol/ids.ts'
import { type EndReason, SAMPLERS, type SamplerId } from '../../protocol/messages/receipt.ts'
import type { ScoredOutput } from '../engine.ts'
import { MAX_CANDIDATES } from '../sampling/sampler.ts'
import { ABSENT, CELLS, categoryOf, cellOf, MARGIN_CAP, STATISTIC_VERSION, stratumOf, WON } from './cells.ts'
import { checkPrompt, checkStop, checkText } from './claim-checks.ts'

/** What a receipt, its request and its answer claim, as far as an audit compares it. */
export interface AuditClaim {
  sampler: SamplerId
  sampling: { temperature: number; topK: number; minP: number; topP: number }
  /** Output tokens of this receipt, a continuation's not counted. */
  outputTokens: number
  /** The text delivered for them; null where it is not known, or goes on from text of another. */
  text: string | null
  reason: EndReason
  /** Tokens the provider's sequence could hold, prompt and output; null where it is not known. */
  contextTokens: number | null
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
    sampler: z.enum(SAMPLERS),
    tokens: z.int().min(0),
    cells: z.array(z.int().min(0)).length(CELLS),
    matchRate: share,
    meanMargin: z.number().min(0).max(MARGIN_CAP),
    outsideRate: share,
    meanLogProb: z.number().max(0),
    stop: check,
    prompt: check,
    text: check,
  })
  .refine(({ tokens, cells }) => cells.reduce((sum, count) => sum + count, 0) === tokens)

/**
 * Compares what a provider claims with what the auditor's own model says of it.
 *
 * Tokens of the engine's own sampler (output that a grammar constrains) cannot be chosen again: of those only counts whether the model
 * would have thought of them.
 * @throws {RangeError} when `scored` and `claim` are not of one output
 */
export function assess(scored: ScoredOutput, claim: AuditClaim): Assessment {
  const tokens = scored.states.length
  const { margins, logProbs, gaps } = scored
  if (tokens !== claim.outputTokens || margins.length !== tokens || logProbs.length !== tokens) {
    throw new RangeError('the scores are not those of the claimed output')
  }
  const filtered = hasFilters(claim.sampling)
  const cells = new Array<number>(CELLS).fill(0)
  let [won, outside, marginSum, logProbSum, known] = [0, 0, 0, 0, 0]
  for (let index = 0; index < tokens; index++) {
    const state = scored.states[index]!
    if (claim.sampler === 'engine') {
      cells[cellOf(stratumOf(undefined, true), state === 3 ? ABSENT : WON)]!++
    } else {
      cells[cellOf(stratumOf(gaps?.[index], filtered), categoryOf(state, margins[index]!))]!++
    }
    if (state === 0) won++
    else marginSum += state === 1 ? Math.min(MARGIN_CAP, margins[index]!) : MARGIN_CAP
    if (state >= 2) outside++
    const logProb = logProbs[index]!
    if (Number.isFinite(logProb)) {
      logProbSum += Math.min(0, logProb)
      known++
    }
  }
  const of = (sum: number) => (tokens === 0 ? 0 : sum / tokens)
  return {
    version: STATISTIC_VERSION,
    sampler: claim.sampler,
    tokens,
    cells,
    matchRate: tokens === 0 ? 1 : won / tokens,
    meanMargin: of(marginSum),
    outsideRate: of(outside),
    meanLogProb: known === 0 ? 0 : logProbSum / known,
    stop: checkStop(scored, claim),
    prompt: checkPrompt(scored, claim),
    text: checkText(scored, claim),
  }
}

/** Whether a candidate can be cut off by a threshold that another's numeric noise may move. */
export function hasFilters({ temperature, topK, minP, topP }: AuditClaim['sampling']): boolean {
  return temperature > 0 && (topP < 1 || minP > 0 || (topK > 0 && topK < MAX_CANDIDATES))
}
