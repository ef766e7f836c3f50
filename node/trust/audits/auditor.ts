import type { BackendKind, ScoredOutput } from '../../../inference/engine.ts'
import type { NodeKey } from '../../../protocol/ids.ts'
import type { ArchivedTask } from './archived-task.ts'

/** `now`, `later` (busy, or not yet there), or `never` as this node is set up. */
export type Availability = 'now' | 'later' | 'never'

/** An output scored, and on what. */
export interface AuditReport {
  scored: ScoredOutput
  backend: BackendKind
  /** As the model file says, `Q8_0`. */
  quantization: string
  /** Digest of the model's chat template, as in receipts; undefined where it is not known. */
  chatTemplate?: string | null
  /** Node that scored it; null for this one. */
  auditor: NodeKey | null
  /** What it counts against an own audit, 0 to 1; absent for one. */
  weight?: number
  /** The weights of all auditors who found the same, together; absent for an own audit. */
  backing?: number
}

/** Scores outputs of others by one prefill: on this node's engine, or at another node. */
export interface Auditor {
  /** Whether it could audit this task. Asked often. */
  availability(task: Pick<ArchivedTask, 'cid' | 'receipt' | 'request'>): Availability | Promise<Availability>
  /**
   * Scores what the task's provider delivered.
   * @param options.signal gives it up; what was begun counts for nothing
   * @throws {EngineError} or another ShoalError where it could not be done: it is tried again later, or elsewhere
   */
  audit(task: ArchivedTask, options: { signal: AbortSignal }): Promise<AuditReport>
}
