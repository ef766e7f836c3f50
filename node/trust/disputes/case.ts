import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { inclusionStatementSchema } from '../../../protocol/messages/inclusion.ts'
import { receiptMessage } from '../../../protocol/messages/receipt.ts'
import { DISPUTE_OUTCOMES, DISPUTE_STATES } from '../../chain/court.ts'

/** Why a case was opened: the owner's word, or what an audit of the receipt alone found. */
export const CASE_REASONS = ['owner', 'contradiction', 'inexplicable'] as const
export type CaseReason = (typeof CASE_REASONS)[number]

/** Why a case came to nothing before the court had it. */
export const GIVE_UP_REASONS = ['not_proven', 'too_late', 'already_tried', 'court_refused'] as const
export type GiveUpReason = (typeof GIVE_UP_REASONS)[number]

/**
 * A dispute of ours over one receipt. `proving`: where the receipt stands in the provider's log is being found out and
 * brought to the chain; `opening`: the challenge is on its way; `open`: the court has it; `closed`; `given_up`: it
 * never came to the court, and the bond is free again.
 */
export const caseSchema = z.strictObject({
  /** `receiptClaim`: what the court tries once. */
  claim: wire.bytes32,
  receipt: wire.cid,
  /** The provider's signed receipt. */
  record: wire.bytes(receiptMessage.maxBytes + 512),
  provider: wire.nodeKey,
  respondent: wire.address,
  model: wire.modelId,
  dataClass: z.enum(DATA_CLASSES),
  isAutomatic: z.boolean(),
  reason: z.enum(CASE_REASONS),
  state: z.enum(['proving', 'opening', 'open', 'closed', 'given_up']),
  giveUp: z.nullable(z.enum(GIVE_UP_REASONS)),
  /** Base units that are, or are about to be, in the court because of it. */
  bond: wire.amount,
  appealBond: wire.amount,
  statement: z.nullable(inclusionStatementSchema),
  disputeId: z.nullable(wire.count),
  transaction: z.nullable(wire.bytes32),
  /** As the court had it when it was looked at last. */
  courtState: z.nullable(z.enum(DISPUTE_STATES)),
  outcome: z.nullable(z.enum(DISPUTE_OUTCOMES)),
  round: z.int().min(0).max(1),
  deadlineMs: z.nullable(wire.timeMs),
  penalty: wire.amount,
  madeAtMs: wire.timeMs,
  changedAtMs: wire.timeMs,
})
export type Case = z.infer<typeof caseSchema>

/** Whether a case has, or is about to have, money in the court. */
export function isLive({ state }: Pick<Case, 'state'>): boolean {
  return state === 'proving' || state === 'opening' || state === 'open'
}

/** What live cases have in the court together, base units. */
export function bondsAtRisk(cases: Iterable<Case>): bigint {
  let sum = 0n
  for (const one of cases) if (isLive(one)) sum += one.bond + one.appealBond
  return sum
}
