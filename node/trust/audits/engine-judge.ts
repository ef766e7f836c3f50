import type { AuditClaim } from '../../../inference/audit/assessment.ts'
import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'
import { type DivergenceVerdict, judgeDivergence } from '../../../inference/audit/divergence.ts'
import type { Engine } from '../../../inference/engine.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { generateRequest } from '../../tasks/engine-task.ts'
import type { Transcript, TranscriptJudge } from '../../tasks/transcript-judge.ts'

export interface EngineJudgeModules {
  engine: Pick<Engine, 'score' | 'status'>
  calibrations: { find(key: CalibrationKey): Promise<Calibration | null> }
  clock: Clock
  log: Logger
}

/** Somebody waits for the task. */
const TIMEOUT_MS = 5_000

/** Judges replicas that differ with this node's own engine, where it has their model loaded. */
export class EngineJudge implements TranscriptJudge {
  readonly #modules: EngineJudgeModules

  constructor(modules: EngineJudgeModules) {
    this.#modules = modules
  }

  async judge(transcript: Transcript, signal: AbortSignal): Promise<DivergenceVerdict | null> {
    const { engine, calibrations, clock, log } = this.#modules
    const { taskId, ask, choice, tokens, divergedAt } = transcript
    const { model } = choice.candidate.model
    const { state, models, backend } = engine.status()
    const loaded = models.find(({ id }) => id === model)
    if (state !== 'ready' || loaded === undefined || tokens.length === 0) return null
    const timeout = new AbortController()
    const timer = clock.setTimer(() => timeout.abort(), TIMEOUT_MS)
    try {
      const { input, maxTokens, sampling, stop, jsonSchema } = ask
      const request = generateRequest({
        ...{ taskId, model, input, maxTokens, sampling, stop, jsonSchema, continuation: null },
      })
      const scored = await engine.score(
        { ...request, output: tokens },
        { signal: AbortSignal.any([signal, timeout.signal]) },
      )
      const auditorBackend = backend?.kind ?? 'cpu'
      const calibration = await calibrations.find({
        ...{ model, quantization: loaded.quantization, auditorBackend, sampler: 'gumbel-64/1' },
        providerBackend: choice.candidate.offer?.offer.backend ?? auditorBackend,
      })
      return judgeDivergence(scored, claimOf(transcript), divergedAt, calibration)
    } catch (error) {
      // Whoever is not judged is not blamed either.
      log.debug({ err: error, taskId }, 'an answer that differs could not be judged')
      return null
    } finally {
      timer.cancel()
    }
  }
}

/** Of an answer that was let go only its tokens are judged: they may break off anywhere. */
function claimOf({ ask, choice, tokens, text, ended }: Transcript): AuditClaim {
  const { temperature, topK, minP, topP } = ask.sampling
  const { contextTokens } = choice.candidate.model
  return {
    sampler: 'gumbel-64/1',
    sampling: { temperature, topK, minP, topP },
    outputTokens: tokens.length,
    text: ended === null ? null : text,
    reason: ended ?? 'cancelled',
    contextTokens: contextTokens === 0 ? null : contextTokens,
    promptTokens: null,
    promptDigest: null,
  }
}
