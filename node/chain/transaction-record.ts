import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'

/** One signed form of a transaction that was, or was about to be, sent. */
const broadcastSchema = z.strictObject({
  hash: wire.bytes32,
  raw: z.string(),
  maxFeePerGas: wire.amount,
  maxPriorityFeePerGas: wire.amount,
  atMs: wire.timeMs,
})

const TRANSACTION_STATES = ['queued', 'sent', 'mined', 'confirmed', 'reverted', 'rejected'] as const

/** Why a transaction was never sent. */
const REJECTION_REASONS = ['insufficient_gas_money', 'would_revert', 'refused'] as const
export type RejectionReason = (typeof REJECTION_REASONS)[number]

/** What the publisher knows of a transaction, in the order of submission. */
export const transactionRecordSchema = z.strictObject({
  /** Chosen by the caller; the same id is the same transaction. */
  id: z.string(),
  order: wire.count,
  to: wire.address,
  data: z.string(),
  state: z.enum(TRANSACTION_STATES),
  nonce: z.nullable(wire.count),
  gasLimit: z.nullable(wire.amount),
  /** Oldest first; all have the same nonce. */
  broadcasts: z.array(broadcastSchema),
  hash: z.nullable(wire.bytes32),
  blockNumber: z.nullable(wire.count),
  rejection: z.nullable(z.enum(REJECTION_REASONS)),
  /** The contract's error, as `ChannelExists`. */
  errorName: z.nullable(z.string()),
})

export type TransactionRecord = z.infer<typeof transactionRecordSchema>
export type Broadcast = TransactionRecord['broadcasts'][number]

export function isFinal({ state }: TransactionRecord): boolean {
  return state === 'confirmed' || state === 'reverted' || state === 'rejected'
}
