import type { SequentialTest } from '../../inference/audit/sequential-test.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { ShoalNode } from '../node.ts'

/** How audits of a provider's work with one model went, and what they show together. */
export interface AuditRecordView {
  model: string
  passed: number
  failed: number
  /** Of these, without an honest baseline for the two engines: models that are near to each other are not told apart. */
  uncalibrated: number
  /** Times all together showed that it cheats. */
  convictions: number
  /**
   * The test that pools receipts: what it says, of how much, and how much of the evidence for cheating it has, 0 to 1.
   * Null where statistics judged none.
   */
  pooled: {
    decision: 'honest' | 'cheating' | 'undecided'
    receipts: number
    tokens: number
    evidence: number
  } | null
  lastAt: string
}

/** What a peer is worth that checks others' work for this node. */
export interface AuditorView {
  /** Jobs whose truth this node knew, faded: those it was right and wrong about. */
  canariesRight: number
  canariesWrong: number
  /** What its word counts against an own audit, 0 to 1. */
  weight: number
  /** It is asked no more. */
  excluded: boolean
}

/** Audits of this node's own tasks. */
export interface AuditsView {
  passed: number
  failed: number
  waiting: number
  /** Of the time audits are remembered, credits; what is left is below 0 where the last one cost more than there was. */
  spent: string
  left: string
  /** Tasks kept to be audited or disputed. */
  kept: number
}

/** The last audited first. */
export function auditRecordViews(node: ShoalNode, peer: NodeKey): AuditRecordView[] {
  const { verification } = node.parts
  return verification
    .auditsOf(peer)
    .toSorted((a, b) => b.lastAtMs - a.lastAtMs)
    .map(({ model, passed, failed, uncalibrated, convictions, lastAtMs }) => {
      const test = verification.pooledTest(peer, model)
      return {
        ...{ model, passed, failed, uncalibrated, convictions },
        pooled: test === null ? null : pooledView(test),
        lastAt: new Date(lastAtMs).toISOString(),
      }
    })
}

/** Null for a peer that was never tested. */
export function auditorView(node: ShoalNode, peer: NodeKey): AuditorView | null {
  const { right, wrong, weight, isExcluded } = node.parts.verification.auditors.of(peer)
  if (right + wrong === 0) return null
  const rounded = (value: number) => Number(value.toFixed(2))
  return {
    ...{ canariesRight: rounded(right), canariesWrong: rounded(wrong) },
    ...{ weight: rounded(weight), excluded: isExcluded },
  }
}

function pooledView({ decision, evidence, state }: SequentialTest): AuditRecordView['pooled'] {
  const share = Math.min(1, Math.max(0, evidence.log / evidence.threshold))
  return { decision, receipts: state.receipts, tokens: state.tokens, evidence: Number(share.toFixed(3)) }
}

export function auditsView(node: ShoalNode): AuditsView {
  const { audits, archive } = node.parts.verification
  const { passed, failed, waiting, spent, budget } = audits.view()
  const left = budget < 0n ? `-${formatCredits(-budget)}` : formatCredits(budget)
  return { passed, failed, waiting, spent: formatCredits(spent), left, kept: archive.size.tasks }
}
