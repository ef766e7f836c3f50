import { EngineError } from '../../inference/engine.ts'
import { withoutQuantization } from '../../inference/models/quantization-suffix.ts'
import { systemClock } from '../clock.ts'
import type { ShoalNode } from '../node.ts'
import { calibrationJob } from '../trust/audits/calibration-job.ts'
import type { calibrationMethods } from './calibration-methods.ts'
import {
  type CalibrateResultView,
  calibrationView,
  calibrationViews,
  matchRateOf,
} from './calibration-views.ts'
import type { ControlHandlersOf } from './control-api.ts'

/** What the commands about calibrations do. */
export function calibrationHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof calibrationMethods> {
  return {
    calibrations: () => calibrationViews(node.parts.verification.calibrations),
    calibrate: async ({ model: name, ...options }, tell, signal): Promise<CalibrateResultView> => {
      const { engine, verification } = node.parts
      const loaded = engine.status().models
      const model = loaded.find(({ id }) => isCalled(id, name))
      if (model === undefined) {
        throw new EngineError('MODEL_NOT_LOADED', `this node does not run ${name}`, {
          fix: 'Name a model of shoal models, or stop the node: then any model on this machine can be calibrated.',
          details: { loaded: loaded.map(({ id }) => id) },
        })
      }
      const measurement = await calibrationJob(model, options, {
        ...{ engine, signal, clock: systemClock },
        onProgress: progress => tell(progress),
      })
      if (measurement === null) return { calibration: null, matchRate: null, measurement }
      const calibration = await verification.calibrations.add(measurement)
      return {
        calibration: calibrationView(measurement.key, { source: 'own', calibration }),
        matchRate: matchRateOf(measurement),
        measurement,
      }
    },
  }
}

/** By its id, or its name with or without the quantisation. */
function isCalled(id: string, name: string): boolean {
  const [own] = id.split('@') as [string]
  return id === name || own === name || withoutQuantization(own) === name
}
