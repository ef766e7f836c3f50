import { ProtocolError } from '../../protocol/codec.ts'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import { MAX_CLOCK_SKEW_MS } from '../../protocol/limits.ts'
import { countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import { type Receipt, receiptMessage } from '../../protocol/messages/receipt.ts'
import { type ReportedTask, reputationReportMessage } from '../../protocol/messages/reputation-report.ts'
import { openRecord, openRecordOf } from '../../protocol/signed.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { GossipTopic } from '../p2p/protocol.ts'
import type { Evidence } from './evidence.ts'

/** What requesters say of their providers, in bundles. */
export const reportsTopic: GossipTopic = {
  topic: 'shoal/reports/1',
  maxBytes: reputationReportMessage.maxBytes,
}

/** A report goes on for so long after it was made; by then whoever is there has it. */
const MAX_TRAVEL_MS = 10 * 60_000

/** A report on one task whose signatures are right; whether it was paid is for the chain to say. */
export interface SignedReport {
  evidence: Extract<Evidence, { kind: 'report' }>
  receipt: Receipt
}

export interface ReportCircumstances {
  chainId: number
  settlement: Address
  nowMs: number
  admit: (witness: NodeKey) => boolean
}

/**
 * Opens a report from a stranger: the witness's signature, then for each task the provider's under the receipt and
 * the witness's own under that.
 * @param circumstances.admit asked once it is certain whose it is, before the many signatures within are checked
 * @returns `reject`: whoever sent it should not have. `ignore`: late, of another chain, or not admitted.
 */
export function openReport(
  bytes: Uint8Array,
  circumstances: ReportCircumstances,
): { verdict: 'accept'; witness: NodeKey; reports: SignedReport[] } | { verdict: 'ignore' | 'reject' } {
  const { nowMs } = circumstances
  try {
    const { body, signer: witness } = openRecord(reputationReportMessage, bytes, verifyEd25519Natively)
    if (body.issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS) return { verdict: 'reject' }
    if (body.issuedAtMs < nowMs - MAX_TRAVEL_MS) return { verdict: 'ignore' }
    if (!circumstances.admit(witness)) return { verdict: 'ignore' }
    const reports: SignedReport[] = []
    for (const task of body.tasks) {
      const report = openTask(task, witness)
      if (report === null || report.receipt.endedAtMs > body.issuedAtMs + MAX_CLOCK_SKEW_MS)
        return { verdict: 'reject' }
      const { chainId, settlement } = report.receipt
      if (chainId !== circumstances.chainId || settlement !== circumstances.settlement)
        return { verdict: 'ignore' }
      reports.push(report)
    }
    return { verdict: 'accept', witness, reports }
  } catch (error) {
    if (error instanceof ProtocolError) return { verdict: 'reject' }
    throw error
  }
}

/** Null when the receipt is not both's, or names nothing that was paid. */
function openTask(
  { receipt, countersignature, result }: ReportedTask,
  witness: NodeKey,
): SignedReport | null {
  const { body, signer, cid } = openRecord(receiptMessage, receipt, verifyEd25519Natively)
  const { requester, provider, payer, payee, amount, endedAtMs } = body
  if (signer !== provider || requester !== witness || provider === witness || payer === payee) return null
  if (amount === 0n || endedAtMs < body.startedAtMs) return null
  const signed = openRecordOf(countersignatureMessage, countersignature, witness, verifyEd25519Natively)
  if (signed.body.receipt !== cid) return null
  return {
    evidence: { kind: 'report', peer: provider, witness, receipt: cid, result, atMs: endedAtMs },
    receipt: body,
  }
}
