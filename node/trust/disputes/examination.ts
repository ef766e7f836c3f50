import { type Assessment, assess } from '../../../inference/audit/assessment.ts'
import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'
import {
  type Contradiction,
  judgeReceipt,
  type SingleReceiptVerdict,
} from '../../../inference/audit/single-receipt.ts'
import type { Engine, LoadedModel } from '../../../inference/engine.ts'
import type { ModelCatalog } from '../../../inference/models/catalog.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import { parseModelId } from '../../../protocol/ids.ts'
import type { Vote } from '../../../protocol/messages/audit-event.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import type { TaskRequest } from '../../../protocol/messages/task-request.ts'
import { generateRequest } from '../../tasks/engine-task.ts'

/** A task as it is re-executed: the receipt and what it commits to, all of it checked against its digests. */
export interface ExaminedTask {
  receipt: Receipt
  request: TaskRequest
  tokens: readonly number[]
  text: string
}

/**
 * Why an examination found what it found. `contradiction`: prompt, end or text are not what the tokens show.
 * `inexplicable`: no honest node makes such tokens. `explained`: an honest node does. Of those that cannot be decided:
 * `too_short`, `unclear`: what is there tells too little; `no_model`, `no_calibration`, `adapter`: not with what is on
 * this machine; `engine_failed`.
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
  contradictions: readonly Contradiction[]
  /** Null where the model could not be run. */
  assessment: Assessment | null
  verdict: SingleReceiptVerdict | null
  /** Whether there was a baseline of honest outputs to judge by. */
  isCalibrated: boolean
  elapsedMs: number
}

export interface ExaminerModules {
  engine: Pick<Engine, 'start' | 'status' | 'load' | 'unload' | 'score'>
  catalog: Pick<ModelCatalog, 'installed'>
  calibrations: { find(key: CalibrationKey): Promise<Calibration | null> }
}

/**
 * Tokens it takes to acquit: of fewer, too many cheats look like honest nodes, and who is not shown to be innocent is
 * not called so. Convicting has no such floor: the bound on the chance of error holds for any length.
 */
const MIN_TOKENS_TO_ACQUIT = 32
/** Honest receipts that look worse than this are one in a hundred: not called innocent, and not guilty either. */
const MIN_P_VALUE_TO_ACQUIT = 0.01

/** Runs a task's model over its output again, and says what follows for its provider from this receipt alone. */
export class Examiner {
  readonly #modules: ExaminerModules

  constructor(modules: ExaminerModules) {
    this.#modules = modules
  }

  /** @throws {EngineError} CANCELLED */
  async examine(task: ExaminedTask, signal?: AbortSignal): Promise<Examination> {
    if (task.receipt.adapter !== null) return undecided('adapter')
    const model = await this.#modelFor(task.receipt.model, signal)
    if (model === null) return undecided('no_model')
    try {
      return await this.#examineWith(model.loaded, task, signal)
    } catch (error) {
      if (isShoalError(error, 'CANCELLED') || !isShoalError(error)) throw error
      return undecided('engine_failed')
    } finally {
      if (model.isOurs) await this.#modules.engine.unload(model.loaded.id)
    }
  }

  async #examineWith(
    model: LoadedModel,
    { receipt, request, tokens, text }: ExaminedTask,
    signal: AbortSignal | undefined,
  ): Promise<Examination> {
    const { engine, calibrations } = this.#modules
    const scored = await engine.score(
      { ...generateRequest(request), model: model.id, output: tokens },
      signal === undefined ? {} : { signal },
    )
    const assessment = assess(scored, {
      sampler: receipt.sampler,
      sampling: request.sampling,
      outputTokens: receipt.outputTokens,
      text,
      reason: receipt.reason,
      maxTokens: request.maxTokens,
      contextTokens: null,
      stop: request.stop,
      promptTokens: receipt.promptTokens,
      promptDigest: receipt.prompt,
    })
    const { backend } = engine.status()
    const calibration =
      backend === null
        ? null
        : await calibrations.find({
            model: receipt.model,
            quantization: model.quantization,
            providerBackend: receipt.backend,
            auditorBackend: backend.kind,
            sampler: receipt.sampler,
          })
    const verdict = judgeReceipt(assessment, calibration)
    return { ...conclude(assessment, verdict, calibration !== null), elapsedMs: scored.elapsedMs }
  }

  /** The model of that digest, under whatever name: loaded already, or from this machine's disk for the time. */
  async #modelFor(
    id: ModelId,
    signal: AbortSignal | undefined,
  ): Promise<{ loaded: LoadedModel; isOurs: boolean } | null> {
    const { engine, catalog } = this.#modules
    const digest = parseModelId(id)?.sha256
    const isIt = (other: { id: ModelId }) => parseModelId(other.id)?.sha256 === digest
    const loaded = engine.status().models.find(isIt)
    if (loaded !== undefined) return { loaded, isOurs: false }
    const installed = (await catalog.installed()).find(isIt)
    if (installed === undefined) return null
    try {
      await engine.start()
      const model = await engine.load(installed, signal === undefined ? {} : { signal })
      return { loaded: model, isOurs: true }
    } catch (error) {
      if (isShoalError(error, 'CANCELLED') || !isShoalError(error)) throw error
      return null
    }
  }
}

/** What one receipt shows of its provider. */
export function conclude(
  assessment: Assessment,
  verdict: SingleReceiptVerdict,
  isCalibrated: boolean,
): Omit<Examination, 'elapsedMs'> {
  const found = { contradictions: verdict.contradictions, assessment, verdict, isCalibrated }
  if (verdict.contradictions.length > 0) return { finding: 'guilty', reason: 'contradiction', ...found }
  if (verdict.isInexplicable) return { finding: 'guilty', reason: 'inexplicable', ...found }
  if (!isCalibrated) return { finding: 'abstain', reason: 'no_calibration', ...found }
  if (assessment.tokens < MIN_TOKENS_TO_ACQUIT) return { finding: 'abstain', reason: 'too_short', ...found }
  if (verdict.pValue < MIN_P_VALUE_TO_ACQUIT) return { finding: 'abstain', reason: 'unclear', ...found }
  return { finding: 'innocent', reason: 'explained', ...found }
}

/** What is found where nothing could be examined. */
export function undecided(reason: FindingReason): Examination {
  return {
    finding: 'abstain',
    reason,
    contradictions: [],
    assessment: null,
    verdict: null,
    isCalibrated: false,
    elapsedMs: 0,
  }
}
