import { CATEGORIES, WON } from '../../inference/audit/cells.ts'
import type { CalibrationKey, CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import type {
  CalibrationSource,
  CalibrationStore,
  KnownCalibration,
} from '../trust/audits/calibration-store.ts'

/** What is known of honest outputs of one key. */
export interface CalibrationView extends CalibrationKey {
  /** Null: others told of it, but too few. */
  source: CalibrationSource | null
  prompts: number
  receipts: number
  tokens: number
  operators: number
  measuredAt: string | null
}

/** What became of a calibration. */
export interface CalibrateResultView {
  /** Null where outputs were written to be audited elsewhere. */
  calibration: CalibrationView | null
  /** Share of the tokens that were what the audit would have chosen; null likewise. */
  matchRate: number | null
  /** What was counted, as it is told to others; null likewise. */
  measurement: CalibrationMeasurement | null
}

export function calibrationView(key: CalibrationKey, known: KnownCalibration | null): CalibrationView {
  const { prompts = 0, receipts = 0, tokens = 0, operators = 0, measuredAtMs } = known?.calibration ?? {}
  const measuredAt = measuredAtMs === undefined ? null : new Date(measuredAtMs).toISOString()
  return { ...key, source: known?.source ?? null, prompts, receipts, tokens, operators, measuredAt }
}

/** What is known, key by key. */
export async function calibrationViews(store: CalibrationStore): Promise<CalibrationView[]> {
  const views: CalibrationView[] = []
  for (const key of await store.keys()) views.push(calibrationView(key, await store.known(key)))
  return views
}

/** Share of a measurement's tokens that won. */
export function matchRateOf({ prompts }: CalibrationMeasurement): number {
  let [won, all] = [0, 0]
  for (const { cells } of prompts) {
    for (const [cell, tokens] of cells) {
      all += tokens
      if (cell % CATEGORIES === WON) won += tokens
    }
  }
  return all === 0 ? 1 : won / all
}
