import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { Bytes32 } from '../ids.ts'
import { MAX_ATTESTATION_BYTES } from '../limits.ts'

/** Asks a peer to prove where it runs. */
export interface AttestRequest {
  /** 32 random bytes, never used before. */
  nonce: Bytes32
}

/** Why there is no evidence: others are being made; or what makes it failed. */
export const ATTEST_REFUSALS = ['busy', 'failed'] as const
export type AttestRefusal = (typeof ATTEST_REFUSALS)[number]

export type AttestResponse =
  | {
      kind: 'evidence'
      /** A Nitro document, or an SEV-SNP report with its certificates. */
      evidence: Uint8Array
    }
  | { kind: 'refused'; reason: AttestRefusal }

export const attestRequestMessage: MessageDefinition<AttestRequest> = {
  type: 'attest-request',
  maxBytes: 128,
  schema: z.strictObject({ nonce: wire.bytes32 }),
}

export const attestResponseMessage: MessageDefinition<AttestResponse> = {
  type: 'attest-response',
  maxBytes: MAX_ATTESTATION_BYTES + 128,
  schema: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('evidence'), evidence: wire.bytes(MAX_ATTESTATION_BYTES, 1) }),
    z.strictObject({ kind: z.literal('refused'), reason: z.enum(ATTEST_REFUSALS) }),
  ]),
}
