import { type Assessment, type AuditClaim, assess } from '../../inference/audit/assessment.ts'
import { type Calibration, calibrate } from '../../inference/audit/calibration.ts'
import { STATISTIC_VERSION } from '../../inference/audit/cells.ts'
import { countPrompt } from '../../inference/audit/measurement.ts'
import type { ScoredOutput } from '../../inference/engine.ts'
import type { CalibrationKey, CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import { seededRandom } from './seeded-random.ts'

export const SYNTHETIC_KEY: CalibrationKey = {
  model: `synthetic@sha256:${'5'.repeat(64)}`,
  quantization: 'Q8_0',
  providerBackend: 'cpu',
  auditorBackend: 'cpu',
  sampler: 'gumbel-64/1',
}

export interface SyntheticOptions {
  tokens: number
  /** Noise of a cheat's model on the scores, nats; 0 for an honest provider. */
  disturbance?: number
  /** How much prompts differ, in how near a tie their positions are and in how noisy they are. */
  spread?: number
  /** Share of positions that could have gone another way, in the median prompt. */
  nearTies?: number
  withGaps?: boolean
}

/** Standard deviation of honest numeric noise, nats: about that of Q8_0 on a CPU. */
const HONEST_NOISE = 0.03
const PROMPT_DIGEST = `0x${'1'.repeat(64)}`

/** Scored outputs whose noise is known, of prompts that differ. */
export class SyntheticWorld {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** One receipt of a fresh prompt. */
  output(options: SyntheticOptions): ScoredOutput {
    const { tokens, disturbance = 0, spread = 0.5, withGaps = true } = options
    const nearTies = Math.min(1, (options.nearTies ?? 0.3) * Math.exp(spread * this.#normal()))
    const noise = Math.hypot(HONEST_NOISE * Math.exp(spread * this.#normal()), disturbance)
    const gaps = new Float32Array(tokens)
    const margins = new Float32Array(tokens)
    const logProbs = new Float32Array(tokens)
    const states = new Uint8Array(tokens)
    for (let index = 0; index < tokens; index++) {
      const gap = this.random() < nearTies ? -1.5 * Math.log(1 - this.random()) : 4 + 4 * this.random()
      const lead = noise * this.#normal()
      gaps[index] = gap
      const isLost = lead > gap
      states[index] = isLost ? 1 : 0
      margins[index] = isLost ? gap + this.random() * (lead - gap) : 0
      logProbs[index] = -this.random()
    }
    return {
      promptTokens: 20,
      promptDigest: PROMPT_DIGEST,
      margins,
      logProbs,
      states,
      ...(withGaps ? { gaps } : {}),
      endsTurn: false,
      ending: { tokens, reason: 'length' },
      text: 'text',
      elapsedMs: 1,
      computedTokens: tokens + 20,
    }
  }

  assessment(options: SyntheticOptions): Assessment {
    return assess(this.output(options), claimOf(options.tokens))
  }

  measurement(prompts: number, options: SyntheticOptions): CalibrationMeasurement {
    return {
      version: 1,
      statistic: STATISTIC_VERSION,
      key: SYNTHETIC_KEY,
      engineRelease: 'synthetic',
      measuredAtMs: 1,
      prompts: Array.from({ length: prompts }, () => countPrompt([this.assessment(options)])),
    }
  }

  calibration(prompts = 150, options: SyntheticOptions = { tokens: 150 }): Calibration {
    return calibrate(this.measurement(prompts, options))
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random())
  }
}

/** A claim that `SyntheticWorld.output` bears out. */
export function claimOf(tokens: number, changes: Partial<AuditClaim> = {}): AuditClaim {
  return {
    sampler: 'gumbel-64/1',
    sampling: { temperature: 1, topK: 0, minP: 0, topP: 1 },
    outputTokens: tokens,
    text: 'text',
    reason: 'length',
    contextTokens: 1_024,
    promptTokens: 20,
    promptDigest: PROMPT_DIGEST,
    ...changes,
  }
}
