import type { CidString, NodeKey } from '../../protocol/ids.ts'
import type { ReportedResult } from '../../protocol/messages/reputation-report.ts'
import type { Violation } from '../p2p/errors.ts'

/** How a task with a provider went, as its requester saw it. `disagreed`: other operators' answers were another one. */
export const TASK_EVIDENCE = ['completed', 'failed', 'stalled', 'disagreed', 'dishonest'] as const
export type TaskEvidence = (typeof TASK_EVIDENCE)[number]
export type { ReportedResult }

/**
 * What those are that have not proven themselves, as far as can be seen before they do anything. `staked`: the chain says
 * that they have a stake, which a new name would need again; `unstaked`: a name costs them nothing; `suspected`: others
 * say they cheat. Cheats are more among some than among others, and each kind is tried out at its own risk.
 */
export const STRANGER_KINDS = ['staked', 'unstaked', 'suspected'] as const
export type StrangerKind = (typeof STRANGER_KINDS)[number]

/** Something seen of a peer, at a time: what opinions are made of. Times, not the order of arrival, decide what it counts. */
export type Evidence = { peer: NodeKey; atMs: number } & EvidenceDetails

export type EvidenceDetails =
  | {
      kind: 'task'
      result: TaskEvidence
      /** How quick it was against what it promised: promised ÷ taken time, 1 at most; null where that is not known. */
      pace: number | null
      as?: StrangerKind
    }
  /**
   * We checked its work again. `as`: what it was taken for when it got the task; unset where nobody asked. `weight`: what it
   * counts where others have checked, 0 to 1; unset for our own.
   */
  | { kind: 'audit'; passed: boolean; as?: StrangerKind; weight?: number }
  /** Its answer and those of other operators, one of them proven, were compared token by token; a majority made the same. */
  | { kind: 'comparison'; agreed: boolean }
  /** We tried to reach it. */
  | { kind: 'contact'; reached: boolean }
  /** It broke the protocol. */
  | { kind: 'violation'; violation: Violation }
  /** A witness says how a task went that it has paid for; each receipt counts once. */
  | { kind: 'report'; witness: NodeKey; receipt: CidString; result: ReportedResult }

/** Good and bad weights, in tasks, that a piece of evidence adds to the components of direct experience. */
export interface DirectWeights {
  performance: readonly [good: number, bad: number]
  uptime: readonly [good: number, bad: number]
  security: readonly [good: number, bad: number]
}

/** What a task's result says. Someone who cheats once is worth twenty honest tasks to avoid. */
export const TASK_WEIGHTS: Record<TaskEvidence, DirectWeights> = {
  completed: { performance: [1, 0], uptime: [1, 0], security: [0.5, 0] },
  failed: { performance: [0, 1], uptime: [0, 0.5], security: [0, 0] },
  stalled: { performance: [0, 2], uptime: [0, 1], security: [0, 0] },
  disagreed: { performance: [0, 3], uptime: [0, 0], security: [0, 3] },
  dishonest: { performance: [0, 20], uptime: [0, 0], security: [0, 20] },
}

/** An own audit outweighs the task it checks. */
export const AUDIT_WEIGHTS: Record<'passed' | 'failed', DirectWeights> = {
  passed: { performance: [2, 0], uptime: [0, 0], security: [3, 0] },
  failed: { performance: [0, 20], uptime: [0, 0], security: [0, 20] },
}

/** What a report says of its task, in the component `review`. */
export const REPORT_WEIGHTS: Record<ReportedResult, readonly [good: number, bad: number]> = {
  completed: [1, 0],
  verified: [2, 0],
  failed: [0, 1],
  stalled: [0, 1],
  disagreed: [0, 2],
  dishonest: [0, 4],
}

/** Points that make a peer unwelcome when they come in numbers; a tenth of them counts against its security. */
export const PENALTY_POINTS: Record<Violation, number> = {
  bad_frame: 10,
  oversize_frame: 10,
  bad_record: 5,
  over_quota: 1,
  silent: 2,
  bad_payment: 10,
  // Honest nodes die too: some debts are forgiven, a habit of them is not.
  unpaid: 1,
  // Enough to be left alone for a while.
  false_audit: 40,
  // It checks what it sends, as we do: this is no accident.
  false_content: 40,
  // Honest software makes none, but for another version's.
  bad_update: 15,
}

/** Nobody asks a cheat again at once: it is unwelcome for ten minutes. */
export const DISHONEST_PENALTY_POINTS = 60
export const SECURITY_PER_PENALTY_POINT = 0.1
