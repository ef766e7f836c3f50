import type { SequentialTest } from '../../inference/audit/sequential-test.ts'
import { parseModelId } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { OnChainJury } from '../chain/court.ts'
import type { Case } from '../trust/disputes/case.ts'
import type { Duty } from '../trust/disputes/duty.ts'
import type { CheckedReceipt, ReceiptCheck } from '../trust/disputes/receipt-check.ts'
import { peerIdOf } from './views.ts'

/** A receipt checked by hand. */
export interface CheckedReceiptView {
  receipt: string
  provider: string
  requester: string
  model: string
  endedAt: string
  amount: string
  /**
   * `honest`: an honest node makes this; `dishonest`: none does; `altered`: what is here is not what the receipt names or
   * its signers signed, which says nothing of them; `undecided`: it cannot be told here.
   */
  verdict: 'honest' | 'dishonest' | 'altered' | 'undecided'
  /** Why: `FINDING_REASONS`. */
  reason: string
  checks: ReceiptCheck[]
  /** What running the model again showed of the tokens; null where it was not. */
  tokens: {
    count: number
    /** Share of tokens that our model would have made, too. */
    matchRate: number
    /** By how much tokens lost, nats, each at most 5. */
    meanMargin: number
    /** Share that the sampling could not have made at all. */
    outsideRate: number
    /** Bound of the chance that an honest provider's tokens look so bad. */
    pValue: number
    /** Whether there is a baseline of honest outputs for the two engines. */
    isCalibrated: boolean
    elapsedMs: number
  } | null
  /** All audited receipts of the provider with this model, together; null where none was. */
  pooled: {
    decision: 'honest' | 'cheating' | 'undecided'
    receipts: number
    tokens: number
    /** ln of the evidence against it, and what would convict. */
    evidence: number
    threshold: number
  } | null
  /** The whole evidence in base64, where it was asked for and is kept. */
  evidence: string | null
}

export function checkedReceiptView(
  { cid, receipt, checks, examination }: CheckedReceipt,
  more: { pooled: SequentialTest | null; evidence: Uint8Array | null },
): CheckedReceiptView {
  const { assessment, finding, reason, pValue, isCalibrated, elapsedMs } = examination
  const { pooled, evidence } = more
  return {
    receipt: cid,
    provider: peerIdOf(receipt.provider),
    requester: peerIdOf(receipt.requester),
    model: receipt.model,
    endedAt: new Date(receipt.endedAtMs).toISOString(),
    amount: formatCredits(receipt.amount),
    verdict: isAltered(checks) ? 'altered' : VERDICTS[finding],
    reason,
    checks,
    tokens:
      assessment === null
        ? null
        : {
            ...{ count: assessment.tokens, matchRate: assessment.matchRate },
            ...{ meanMargin: assessment.meanMargin, outsideRate: assessment.outsideRate },
            ...{ pValue, isCalibrated, elapsedMs },
          },
    pooled:
      pooled === null
        ? null
        : {
            ...{ decision: pooled.decision, receipts: pooled.state.receipts, tokens: pooled.state.tokens },
            ...{ evidence: pooled.evidence.log, threshold: pooled.evidence.threshold },
          },
    evidence: evidence === null ? null : Buffer.from(evidence).toString('base64'),
  }
}

const VERDICTS = { guilty: 'dishonest', innocent: 'honest', abstain: 'undecided' } as const
/** What says whether the receipt and what came with it are what they were. */
const WHOLENESS: ReadonlySet<string> = new Set([
  'provider_signature',
  'countersignature',
  'request',
  'output',
])

function isAltered(checks: readonly ReceiptCheck[]): boolean {
  return checks.some(({ check, result }) => result === 'wrong' && WHOLENESS.has(check))
}

/** A case of ours. */
export interface CaseView {
  receipt: string
  /** The court's number; null until it is open. */
  dispute: number | null
  provider: string
  respondent: string
  model: string
  isAutomatic: boolean
  reason: string
  state: Case['state']
  giveUp: string | null
  /** As the court has it; null before. */
  courtState: string | null
  outcome: string | null
  round: number
  deadline: string | null
  bond: string
  appealBond: string
  penalty: string
  transaction: string | null
  madeAt: string
}

export function caseView(one: Case): CaseView {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    receipt: one.receipt,
    dispute: one.disputeId,
    provider: peerIdOf(one.provider),
    respondent: one.respondent,
    model: parseModelId(one.model)?.name ?? one.model,
    isAutomatic: one.isAutomatic,
    reason: one.reason,
    state: one.state,
    giveUp: one.giveUp,
    courtState: one.courtState,
    outcome: one.outcome,
    round: one.round,
    deadline: time(one.deadlineMs),
    bond: formatCredits(one.bond),
    appealBond: formatCredits(one.appealBond),
    penalty: formatCredits(one.penalty),
    transaction: one.transaction,
    madeAt: new Date(one.madeAtMs).toISOString(),
  }
}

/** A seat of ours in a jury. The vote is shown once it is revealed: what is in a terminal is soon elsewhere. */
export interface DutyView {
  dispute: number
  round: number
  state: Duty['state']
  vote: string | null
  reason: string | null
  commitUntil: string | null
  revealUntil: string | null
}

export function dutyView(duty: Duty): DutyView {
  const isOpen = duty.state === 'revealed'
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    dispute: duty.disputeId,
    round: duty.round,
    state: duty.state,
    vote: isOpen ? duty.vote : null,
    reason: isOpen ? duty.reason : null,
    commitUntil: time(duty.commitUntilMs),
    revealUntil: time(duty.revealUntilMs),
  }
}

export interface DisputesView {
  bonds: { atRisk: string; max: string }
  /** Why cases are not opened by themselves: `off`, `no_bond`, `lost`; null when they are. */
  automaticPause: string | null
  /** What the court owes this wallet. */
  owed: string
  cases: CaseView[]
  jury: DutyView[]
}

export interface DisputeDetailView extends CaseView {
  jury: {
    size: number
    commitments: number
    guilty: number
    innocent: number
    abstained: number
    commitUntil: string | null
    revealUntil: string | null
    seats: { juror: string; committed: boolean; vote: string }[]
  } | null
}

export function juryView(jury: OnChainJury | null): DisputeDetailView['jury'] {
  if (jury === null) return null
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  const { size, commitments, guilty, innocent, abstained, seats } = jury
  return {
    ...{ size, commitments, guilty, innocent, abstained },
    ...{ commitUntil: time(jury.commitUntilMs), revealUntil: time(jury.revealUntilMs) },
    seats: seats.map(({ juror, commitment, vote }) => ({ juror, committed: commitment !== null, vote })),
  }
}
