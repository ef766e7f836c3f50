import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import { MAX_OUTPUT_TOKENS, MAX_TASK_FRAME_BYTES, MAX_TEXT_BYTES } from '../limits.ts'
import { receiptMessage } from './receipt.ts'
import { tokenIdSchema } from './task-request.ts'

/** A juror asks a party for the task a dispute is about; whoever asks must hold a seat in it. */
export interface EvidenceRequest {
  /** Number of the dispute in the court. */
  disputeId: number
}

/** All that re-executing a task takes. Each part is named by a digest in the receipt the court has. */
export interface TaskEvidence {
  /** The provider's signed receipt. */
  receipt: Uint8Array
  /** The request frame as it was sent. */
  request: Uint8Array
  /** What was delivered, continuations of others not among it. */
  tokens: number[]
  text: string
}

/** `denied`: whoever asks has no seat, or the data may not leave. `unknown`: there is no such data here. */
export type EvidenceResponse = { kind: 'evidence'; evidence: TaskEvidence } | { kind: 'denied' | 'unknown' }

export const evidenceRequestMessage: MessageDefinition<EvidenceRequest> = {
  type: 'evidence-request',
  maxBytes: 128,
  schema: z.strictObject({ disputeId: wire.count }),
}

const RECEIPT_ENVELOPE_BYTES = 512
/** Tokens take at most five bytes each; around the parts there is little. */
const MAX_EVIDENCE_BYTES =
  MAX_TASK_FRAME_BYTES + 5 * MAX_OUTPUT_TOKENS + MAX_TEXT_BYTES + receiptMessage.maxBytes + 1_024

const evidenceSchema: z.ZodType<TaskEvidence> = z.strictObject({
  receipt: wire.bytes(receiptMessage.maxBytes + RECEIPT_ENVELOPE_BYTES),
  request: wire.bytes(MAX_TASK_FRAME_BYTES),
  tokens: z.array(tokenIdSchema).max(MAX_OUTPUT_TOKENS),
  text: wire.text(MAX_TEXT_BYTES),
})

/** What `shoal verify --out` writes, for others to check without asking anybody. */
export const taskEvidenceMessage: MessageDefinition<TaskEvidence> = {
  type: 'task-evidence',
  maxBytes: MAX_EVIDENCE_BYTES,
  schema: evidenceSchema,
}

export const evidenceResponseMessage: MessageDefinition<EvidenceResponse> = {
  type: 'evidence-response',
  maxBytes: MAX_EVIDENCE_BYTES + 256,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('evidence'), evidence: evidenceSchema }),
    z.strictObject({ kind: z.literal('denied') }),
    z.strictObject({ kind: z.literal('unknown') }),
  ]),
}
