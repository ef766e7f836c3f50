import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { DataClass } from '../data-class.ts'
import type { Bytes32, CidString, ModelId } from '../ids.ts'
import { MAX_OUTPUT_TOKENS, MAX_TASK_FRAME_BYTES, MAX_TEXT_BYTES } from '../limits.ts'
import { backendSchema } from './backend.ts'
import {
  type TaskRequest,
  type TaskSampling,
  type TextInput,
  taskRequestSchema,
  textInputSchema,
  tokenIdSchema,
} from './task-request.ts'

/**
 * An output to be scored: all that scoring takes, and nothing of who made it, for whom, for how much or how it is said to
 * have ended, so that an auditor spares nobody and cannot tell a canary by its papers.
 */
export interface AuditJob {
  version: 1
  /** `auditJobOf` the receipt. */
  job: Bytes32
  /** The first block after the receipt was countersigned, as drew the auditor. */
  block: number
  dataClass: DataClass
  model: ModelId
  input: TextInput
  continuation: TaskRequest['continuation']
  maxTokens: number
  /** With the sampling seed itself in place of nonce and task. */
  sampling: Omit<TaskSampling, 'nonce' | 'seedScope'> & { seed: Bytes32 }
  stop: string[]
  jsonSchema: string | null
  /** Tokens of the output; a continuation's are not among them. */
  output: number[]
}

/** Why an output can end by its own rules. */
const ENDINGS = ['stop', 'stop_string', 'length'] as const

/** How the tokens of a job stood: the auditor's signed word. */
export interface AuditScores {
  version: 1
  /** CID of the job as it was sent. */
  job: CidString
  backend: z.infer<typeof backendSchema>
  /** As the model file says, `Q8_0`. */
  quantization: string
  /** sha2-256 of the model's chat template; null where it has none. */
  chatTemplate: Bytes32 | null
  promptTokens: number
  /** `tokensDigest` of the prompt. */
  prompt: Bytes32
  endsTurn: boolean
  /** Where and why the output ends by the job's own rules; null where it had to go on. */
  ending: { tokens: number; reason: (typeof ENDINGS)[number] } | null
  /** What the tokens spell up to there. */
  text: string
  /** `packScores`. */
  scores: Uint8Array
}

/**
 * `not_drawn`: somebody else was, as far as is known here. `busy`: there are tasks to do. `spent`: enough has been done for
 * this peer, or for all, for now. `unavailable`: the model is not there. `refused`: it cannot be scored.
 */
export const AUDIT_REFUSALS = ['not_drawn', 'busy', 'spent', 'unavailable', 'refused'] as const
export type AuditRefusal = (typeof AUDIT_REFUSALS)[number]

/** `record`: signed `AuditScores`. */
export type AuditReply = { kind: 'scores'; record: Uint8Array } | { kind: 'refused'; code: AuditRefusal }

/** State (1), margin (2), log-probability (2) and gap (2). */
export const SCORE_BYTES_PER_TOKEN = 7

const request = taskRequestSchema.shape
const { temperature, topP, minP, topK } = request.sampling.shape

export const auditJobMessage: MessageDefinition<AuditJob> = {
  type: 'audit-job',
  /** Tokens take at most five bytes each. */
  maxBytes: MAX_TASK_FRAME_BYTES + 5 * MAX_OUTPUT_TOKENS,
  schema: z.strictObject({
    version: z.literal(1),
    job: wire.bytes32,
    block: wire.count,
    dataClass: request.dataClass,
    model: request.model,
    input: textInputSchema,
    continuation: request.continuation,
    maxTokens: request.maxTokens,
    sampling: z.strictObject({ temperature, topP, minP, topK, seed: wire.bytes32 }),
    stop: request.stop,
    jsonSchema: request.jsonSchema,
    output: z.array(tokenIdSchema).min(1).max(MAX_OUTPUT_TOKENS),
  }),
}

const MAX_SCORES_BYTES = MAX_TEXT_BYTES + SCORE_BYTES_PER_TOKEN * MAX_OUTPUT_TOKENS + 1_024

export const auditScoresMessage: MessageDefinition<AuditScores> = {
  type: 'audit-scores',
  maxBytes: MAX_SCORES_BYTES,
  schema: z.strictObject({
    version: z.literal(1),
    job: wire.cid,
    backend: backendSchema,
    quantization: z.string().max(16),
    chatTemplate: z.nullable(wire.bytes32),
    promptTokens: wire.count,
    prompt: wire.bytes32,
    endsTurn: z.boolean(),
    ending: z.nullable(z.strictObject({ tokens: wire.count, reason: z.enum(ENDINGS) })),
    text: wire.text(MAX_TEXT_BYTES),
    scores: wire.bytes(SCORE_BYTES_PER_TOKEN * MAX_OUTPUT_TOKENS),
  }),
}

export const auditReplyMessage: MessageDefinition<AuditReply> = {
  type: 'audit-reply',
  maxBytes: MAX_SCORES_BYTES + 1_024,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('scores'), record: wire.bytes(MAX_SCORES_BYTES + 512) }),
    z.strictObject({ kind: z.literal('refused'), code: z.enum(AUDIT_REFUSALS) }),
  ]),
}
