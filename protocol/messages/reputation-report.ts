import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import { MAX_RECEIPTS_PER_REPORT } from '../limits.ts'
import { countersignatureMessage } from './countersignature.ts'
import { receiptMessage } from './receipt.ts'

/**
 * How a task went for whoever paid for it. `verified`: completed, and an audit found it right. `disagreed`: other operators' answers to the same task were another one.
 * `dishonest`: it claimed what was not so.
 */
export const REPORTED_RESULTS = [
  'completed',
  'verified',
  'failed',
  'stalled',
  'disagreed',
  'dishonest',
] as const
export type ReportedResult = (typeof REPORTED_RESULTS)[number]

/** What one paid task told a requester about its provider. */
export interface ReportedTask {
  /** The provider's signed receipt; each counts once, whoever shows it. */
  receipt: Uint8Array
  /** The signature under it, by whoever reports. */
  countersignature: Uint8Array
  /** The task's result, or that of a later one of the same provider that ended without a receipt. */
  result: ReportedResult
}

/** A requester's word about providers, worth as much as its receipts and its record; many tasks in one message. */
export interface ReputationReport {
  version: 1
  issuedAtMs: number
  tasks: ReportedTask[]
}

/** Bytes around a body: type, signer and signature. */
const ENVELOPE_BYTES = 512

export const reportedTaskSchema = z.strictObject({
  receipt: wire.bytes(receiptMessage.maxBytes + ENVELOPE_BYTES),
  countersignature: wire.bytes(countersignatureMessage.maxBytes + ENVELOPE_BYTES),
  result: z.enum(REPORTED_RESULTS),
})

export const reputationReportMessage: MessageDefinition<ReputationReport> = {
  type: 'reputation-report',
  maxBytes: 49_152,
  schema: z.strictObject({
    version: z.literal(1),
    issuedAtMs: wire.timeMs,
    tasks: z.array(reportedTaskSchema).min(1).max(MAX_RECEIPTS_PER_REPORT),
  }),
}
