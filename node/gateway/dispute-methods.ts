import { z } from 'zod'

/** A CID, or what lists show of one. */
const receipt = z.string().min(1).max(128)
/** Whole evidence, in base64. */
const MAX_EVIDENCE_CHARS = 6_291_456

/** The commands about receipts and the court; part of `controlMethods`. */
export const disputeMethods = {
  /** Checks a receipt of ours, or evidence in base64 that somebody made; `export` gives it out with the view. */
  verifyReceipt: z.strictObject({
    receipt: z.nullable(receipt).default(null),
    evidence: z.nullable(z.base64().max(MAX_EVIDENCE_CHARS)).default(null),
    export: z.boolean().default(false),
  }),
  disputes: z.strictObject({}),
  dispute: z.strictObject({ name: receipt }),
  openDispute: z.strictObject({ receipt, reveal: z.boolean().default(false) }),
  appealDispute: z.strictObject({ dispute: z.int().min(1) }),
  withdrawFromCourt: z.strictObject({}),
} as const
