import type { Assessment } from '../../../inference/audit/assessment.ts'
import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'
import { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import { judgeReceipt } from '../../../inference/audit/single-receipt.ts'
import type { Engine } from '../../../inference/engine.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { Vote } from '../../../protocol/messages/audit-event.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { chatTemplateOf, generateRequest } from '../../tasks/engine-task.ts'
import type { AuditReport } from '../audits/auditor.ts'
import { judge } from '../audits/judgement.ts'
import type { LocalAuditor } from '../audits/local-auditor.ts'
import type { AuditReason } from '../audits/verdict.ts'

/** A task as it is run again: the receipt and what it commits to, all of it checked against its digests. */
export interface ExaminedTask {
  receipt: Receipt
  request: TaskRequest
  tokens: readonly number[]
  text: string
}

/**
 * Why an examination found what it found. `contradiction`: prompt, template, end or text are not what the tokens
 * show. `inexplicable`: no honest node makes such tokens. `explained`: an honest node does. Of those that cannot be
 * decided: `too_short`, `unclear`: what is there tells too little; `no_model`, `no_calibration`, `adapter`: not with
 * what is on this machine; `engine_failed`; `no_evidence`: nobody gave the task.
 */
export const FINDING_REASONS = [
  'contradiction',
  'inexplicable',
  'explained',
  'too_short',
  'unclear',
  'no_model',
  'no_calibration',
  'adapter',
  'engine_failed',
  'no_evidence',
] as const
export type FindingReason = (typeof FINDING_REASONS)[number]

export interface Examination {
  finding: Vote
  reason: FindingReason
  /** What speaks against the receipt. */
  against: readonly AuditReason[]
  /** Null where the model could not be run. */
  assessment: Assessment | null
  /** Bound of the chance that an honest provider's tokens look so bad; 1 where there is no baseline to say so. */
  pValue: number
  /** Whether there was a baseline of honest outputs to judge by. */
  isCalibrated: boolean
  elapsedMs: number
}

export interface ExaminerModules {
  engine: Engine
  /** Has the model at hand, where it is on this machine. */
  local: Pick<LocalAuditor, 'availability' | 'lacking'>
  calibrations: { find(key: CalibrationKey): Promise<Calibration | null> }
}

/**
 * Tokens it takes to acquit: of fewer, too many cheats look like honest nodes, and who is not shown to be innocent is
 * not called so. Convicting has no such floor: the bound on the chance of error holds for any length.
 */
const MIN_TOKENS_TO_ACQUIT = 32
/**
 * What leans against a receipt by more than this is not called innocent, and not guilty either: the bound is 1 for
 * most honest receipts, and a short answer of a cheat reaches 0.05.
 */
const MIN_P_VALUE_TO_ACQUIT = 0.5
/** The engine's trouble, which may pass. */
const PASSING = ['ENGINE_BUSY', 'ENGINE_UNAVAILABLE', 'ENGINE_CRASHED', 'MODEL_NOT_LOADED'] as const

/** Runs a task's model over its output again, and says what follows for its provider from this receipt alone. */
export class Examiner {
  readonly #modules: ExaminerModules

  constructor(modules: ExaminerModules) {
    this.#modules = modules
  }

  /**
   * Examines a task.
   * @returns null where the engine has other things to do: it may be tried again
   * @throws {EngineError} CANCELLED
   */
  async examine(task: ExaminedTask, signal?: AbortSignal): Promise<Examination | null> {
    const { engine, local } = this.#modules
    const { receipt, request, tokens } = task
    // A jury's bond and a person's question are worth what audits by the way may not be.
    const availability = await local.availability(task, { mayLoad: true })
    if (availability === 'never')
      return undecided(local.lacking(receipt.model) === 'adapter' ? 'adapter' : 'no_model')
    if (availability === 'later') return null
    try {
      const scored = await engine.score(
        { ...generateRequest(request), output: tokens },
        signal === undefined ? {} : { signal },
      )
      const { backend, models } = engine.status()
      return await this.#conclude(task, {
        scored,
        backend: backend?.kind ?? 'cpu',
        quantization: models.find(({ id }) => id === receipt.model)?.quantization ?? '',
        chatTemplate: chatTemplateOf(engine, receipt.model),
        auditor: null,
      })
    } catch (error) {
      if (!isShoalError(error) || isShoalError(error, 'CANCELLED')) throw error
      return isShoalError(error, ...PASSING) ? null : undecided('engine_failed')
    }
  }

  async #conclude(task: ExaminedTask, report: AuditReport): Promise<Examination> {
    const { model, backend, sampler } = task.receipt
    const { quantization, backend: auditorBackend, scored } = report
    const calibration = await this.#modules.calibrations.find({
      ...{ model, quantization, sampler, auditorBackend, providerBackend: backend },
    })
    // One receipt is tried, not the provider: what others of its showed is not before the court.
    const test = new SequentialTest()
    const { assessment, reasons } = judge({ ...task, terms: { contextTokens: 0 } }, report, calibration, test)
    const { pValue } = judgeReceipt(assessment, calibration)
    const found = { against: reasons, assessment, pValue, isCalibrated: calibration !== null }
    return { ...findingOf(found), ...found, elapsedMs: scored.elapsedMs }
  }
}

/** What one receipt shows of its provider. */
function findingOf({
  against,
  assessment,
  pValue,
  isCalibrated,
}: Pick<Examination, 'against' | 'assessment' | 'pValue' | 'isCalibrated'>): Pick<
  Examination,
  'finding' | 'reason'
> {
  if (against.some(reason => reason !== 'tokens' && reason !== 'pooled'))
    return { finding: 'guilty', reason: 'contradiction' }
  if (against.includes('tokens')) return { finding: 'guilty', reason: 'inexplicable' }
  if (!isCalibrated) return { finding: 'abstain', reason: 'no_calibration' }
  if ((assessment?.tokens ?? 0) < MIN_TOKENS_TO_ACQUIT) return { finding: 'abstain', reason: 'too_short' }
  if (pValue < MIN_P_VALUE_TO_ACQUIT) return { finding: 'abstain', reason: 'unclear' }
  return { finding: 'innocent', reason: 'explained' }
}

/** What is found where nothing could be examined. */
export function undecided(reason: FindingReason): Examination {
  const nothing = { against: [], assessment: null, pValue: 1, isCalibrated: false, elapsedMs: 0 }
  return { finding: 'abstain', reason, ...nothing }
}
