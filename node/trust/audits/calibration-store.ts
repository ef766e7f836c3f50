import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'

/** Honest baselines: own measurements first, then those that come with this version, then others' where enough agree. */
export declare class CalibrationStore {
  /** Null when nothing good enough is known: then nobody is judged by statistics. */
  find(key: CalibrationKey): Promise<Calibration | null>
}
