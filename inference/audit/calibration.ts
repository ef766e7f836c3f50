import type { ModelId } from '../../protocol/ids.ts'
import type { BackendKind } from '../engine.ts'
import type { SamplerId } from './assessment.ts'
import type { STATISTIC_VERSION } from './cells.ts'

/** What a calibration holds for: honest outputs differ between these. */
export interface CalibrationKey {
  model: ModelId
  /** As the model file says, `Q8_0`. */
  quantization: string
  providerBackend: BackendKind
  auditorBackend: BackendKind
  sampler: SamplerId
}

/** What honest outputs of one key look like to an auditor, with bounds: what tests judge by. */
export interface Calibration {
  version: typeof STATISTIC_VERSION
  key: CalibrationKey
  prompts: number
  receipts: number
  tokens: number
  /** Different operators whose measurements are in it; 1 for one's own. */
  operators: number
  /** Chance of each cell within its stratum, CELLS numbers. */
  rates: readonly number[]
  /** Upper confidence bounds of those that are no win, all at once (CONFIDENCE); for wins what is left. */
  upper: readonly number[]
  /** By how much tokens of one prompt vary together: variance over that of independent tokens, at least 1. */
  designEffect: number
}
