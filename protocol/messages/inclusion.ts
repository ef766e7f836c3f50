import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { Bytes32, CidString } from '../ids.ts'
import { MAX_PROOF_STEPS, MAX_RECEIPTS_PER_PROOF } from '../limits.ts'

/** Where a root of a node's audit log stands on chain. */
export interface AnchorPlace {
  /** Number among the node's anchors. */
  index: number
  /** Seconds since the Unix epoch, as the chain has it. */
  anchoredAt: number
}

/**
 * That an event stands in a node's audit log: its leaf, the way to a root, and what makes the root the node's word.
 * Either the root is on chain, or the node's wallet has signed it; then anyone may anchor it.
 */
export interface InclusionStatement {
  sequence: number
  /** SHA3-512 of the event record, 64 bytes. */
  eventHash: Uint8Array
  claim: Bytes32
  /** Siblings on the way to the root, 32 bytes each. */
  proof: Bytes32[]
  root: Bytes32
  firstSequence: number
  lastSequence: number
  anchor: AnchorPlace | null
  /** By the node's wallet, over `rootDigest`; null where the root is anchored. */
  signature: string | null
}

/** Asks a provider where receipts of ours stand in its log; several in one message, which are told apart by nothing. */
export interface ProofRequest {
  receipts: CidString[]
}

/** `unknown`: it has issued no such receipt to whoever asks. */
export type ProofAnswer = { receipt: CidString } & (
  | { kind: 'stated'; statement: InclusionStatement }
  | { kind: 'unknown' }
)

export interface ProofResponse {
  answers: ProofAnswer[]
}

export const proofRequestMessage: MessageDefinition<ProofRequest> = {
  type: 'proof-request',
  maxBytes: 4_096,
  schema: z.strictObject({ receipts: z.array(wire.cid).min(1).max(MAX_RECEIPTS_PER_PROOF) }),
}

/** The wire and stored form of `InclusionStatement`. */
export const inclusionStatementSchema: z.ZodType<InclusionStatement> = z.strictObject({
  sequence: wire.count,
  eventHash: wire.bytes(64, 64),
  claim: wire.bytes32,
  proof: z.array(wire.bytes32).max(MAX_PROOF_STEPS),
  root: wire.bytes32,
  firstSequence: wire.count,
  lastSequence: wire.count,
  anchor: z.nullable(z.strictObject({ index: wire.count, anchoredAt: wire.count })),
  signature: z.nullable(wire.ecdsaSignature),
})

export const proofResponseMessage: MessageDefinition<ProofResponse> = {
  type: 'proof-response',
  maxBytes: 65_536,
  schema: z.strictObject({
    answers: z
      .array(
        z.discriminatedUnion('kind', [
          z.strictObject({
            receipt: wire.cid,
            kind: z.literal('stated'),
            statement: inclusionStatementSchema,
          }),
          z.strictObject({ receipt: wire.cid, kind: z.literal('unknown') }),
        ]),
      )
      .max(MAX_RECEIPTS_PER_PROOF),
  }),
}
