import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/settings.ts'
import type { Logger } from '../../log.ts'
import { LearningLifecycle } from './lifecycle.ts'
import { Hours } from './limits/hours.ts'
import type { Limit } from './limits/limit.ts'
import { Memory } from './limits/memory.ts'
import { Power, type PowerSource, powerSource } from './limits/power.ts'
import { Temperature, type Thermometer, thermometer } from './limits/temperature.ts'

export interface Machine {
  power: PowerSource
  thermometer: Thermometer
  /** What could be had without swapping, within what this process may have; bytes. */
  freeBytes: () => number
}

const MIB = 1024 * 1024

/** What this machine tells of itself. */
function thisMachine(): Machine {
  return { power: powerSource(), thermometer: thermometer(), freeBytes: () => process.availableMemory() }
}

/** The lifecycle that an owner has set, on this machine unless another is given. */
export function configuredLifecycle(
  config: Config,
  modules: { clock: Clock; log: Logger; machine?: Machine },
): LearningLifecycle {
  const { clock, log, machine = thisMachine() } = modules
  const limits: Limit[] = [
    new Hours({ hours: config['learning.hours'] }, { clock }),
    new Power({ power: config['learning.power'] }, { source: machine.power }),
    new Temperature(
      { maxTemperature: config['learning.maxTemperature'] },
      { thermometer: machine.thermometer },
    ),
    new Memory(
      {
        minFreeBytes: config['learning.minFreeMemory'] * MIB,
        maxBytes: (config['learning.maxMemory'] ?? Number.POSITIVE_INFINITY) * MIB,
      },
      { clock, freeBytes: machine.freeBytes },
    ),
  ]
  return new LearningLifecycle({ quietMs: config['learning.quiet'] }, { clock, log, limits })
}
