import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { VOTES } from '../../../protocol/messages/audit-event.ts'
import { FINDING_REASONS } from './examination.ts'

/**
 * A seat of ours in a jury. `drawn`: the task is to be examined; `decided`: vote and salt are on disk, the commitment
 * may be on its way; `committed`; `revealed`; `missed`: the time was over before; `dismissed`: the dispute ended without
 * our vote.
 */
export const dutySchema = z.strictObject({
  disputeId: wire.count,
  round: z.int().min(0).max(1),
  state: z.enum(['drawn', 'decided', 'committed', 'revealed', 'missed', 'dismissed']),
  vote: z.nullable(z.enum(VOTES)),
  salt: z.nullable(wire.bytes32),
  reason: z.nullable(z.enum(FINDING_REASONS)),
  commitUntilMs: z.nullable(wire.timeMs),
  revealUntilMs: z.nullable(wire.timeMs),
  drawnAtMs: wire.timeMs,
})
export type Duty = z.infer<typeof dutySchema>

export function isUnderWay({ state }: Pick<Duty, 'state'>): boolean {
  return state === 'drawn' || state === 'decided' || state === 'committed'
}

export function keyOf({ disputeId, round }: Pick<Duty, 'disputeId' | 'round'>): string {
  return `${String(disputeId).padStart(12, '0')}-${round}`
}
