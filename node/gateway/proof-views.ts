import { z } from 'zod'
import type { EventProof, EventProofs } from '../auditlog/event-proofs.ts'
import type { LogIndex } from '../auditlog/log-index.ts'
import type { BookedReceipt } from '../tasks/receipt-book.ts'

const bytes32 = z.string().describe('0x and 64 hex digits')

/** All that somebody needs to check a receipt or an event alone: records as they were signed, in base64. */
export const proofSchema = z.object({
  receipt: z.nullable(z.base64()).describe('Record of the receipt, signed by the provider.'),
  countersignature: z
    .nullable(z.base64())
    .describe('Record signed by the requester; null while it has not come.'),
  event: z
    .nullable(z.base64())
    .describe('Record of the event in the audit log of this node; null while the chain has not answered.'),
  inclusion: z
    .nullable(
      z.object({
        sequence: z.int(),
        eventHash: z.string().describe('SHA3-512 of the event, 0x and 128 hex digits'),
        claim: bytes32,
        proof: z.array(bytes32),
        root: bytes32,
        firstSequence: z.int(),
        lastSequence: z.int(),
      }),
    )
    .describe('The way from the event to a root; null while no anchor covers it.'),
  anchor: z
    .nullable(
      z.object({
        wallet: z.string(),
        index: z.int(),
        anchoredAt: z.int().describe('Seconds since the Unix epoch'),
        transaction: bytes32,
      }),
    )
    .describe('Where AuditAnchor has the root.'),
})
export type ProofView = z.infer<typeof proofSchema>

/** The proof of a receipt: of the event by which this node booked it. */
export async function receiptProofView(
  booked: BookedReceipt,
  modules: { index: LogIndex; proofs: EventProofs } | null,
): Promise<ProofView> {
  const { role, cid, record, countersignature } = booked
  const sequence =
    modules === null
      ? null
      : await (role === 'provider'
          ? modules.index.sequenceOf(cid)
          : modules.index.sequenceOfCountersigned(cid))
  const proof = modules === null || sequence === null ? null : await modules.proofs.of(sequence)
  return { ...proofView(proof), receipt: base64(record), countersignature: base64(countersignature) }
}

export function proofView(proof: EventProof | null): ProofView {
  const inclusion = proof?.inclusion ?? null
  return {
    receipt: null,
    countersignature: null,
    event: base64(proof?.record ?? null),
    inclusion: inclusion && {
      ...{ sequence: inclusion.sequence, eventHash: inclusion.eventHash, claim: inclusion.claim },
      ...{ proof: inclusion.proof, root: inclusion.root },
      ...{ firstSequence: inclusion.firstSequence, lastSequence: inclusion.lastSequence },
    },
    anchor: proof?.anchor ?? null,
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}
