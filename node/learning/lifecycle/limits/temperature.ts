import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ALLOWED, hindered, type Limit, type LimitVerdict } from './limit.ts'

/** The hottest of this machine's processors, °C; null where it does not tell. */
export type Thermometer = () => Promise<number | null>

/** Learning goes on once it is so much cooler, °C: it would heat up again at once. */
const COOL_DOWN = 10
/** Sensors that show anything else are not connected. */
const PLAUSIBLE = { least: 1, most: 150 }
/** Drivers of sensors in processors; those of disks and radios say nothing of learning. */
const PROCESSOR_SENSORS =
  /^(?:coretemp|k10temp|k8temp|zenpower|cpu_thermal|cpu-thermal|soc_thermal|amdgpu|nouveau|via_cputemp|scpi_sensors)$/
const PROCESSOR_ZONES = /cpu|x86_pkg|soc|core|gpu|acpitz|package|cluster/i

/** Lets learn while the machine is not hot. */
export class Temperature implements Limit {
  readonly code = 'temperature'
  readonly #limit: number
  readonly #thermometer: Thermometer
  #isCooling = false

  /** @param options.maxTemperature °C */
  constructor(options: { maxTemperature: number }, modules: { thermometer: Thermometer }) {
    this.#limit = options.maxTemperature
    this.#thermometer = modules.thermometer
  }

  async check(): Promise<LimitVerdict> {
    const celsius = await this.#thermometer()
    if (celsius === null) return { kind: 'unknown', message: 'this machine does not tell how hot it is' }
    this.#isCooling = celsius >= (this.#isCooling ? this.#limit - COOL_DOWN : this.#limit)
    if (!this.#isCooling) return ALLOWED
    return hindered(`the processor has ${Math.round(celsius)} °C, and learning ends at ${this.#limit} °C`)
  }
}

/** That of this machine; only Linux tells. */
export function thermometer(platform: NodeJS.Platform = process.platform): Thermometer {
  return platform === 'linux' ? linuxThermometer('/sys/class') : async () => null
}

/**
 * By thermal zones and hardware monitors (Documentation/driver-api/thermal/sysfs-api.rst, hwmon/sysfs-interface.rst), both in
 * thousandths of a degree.
 * @param folder `/sys/class`
 */
export function linuxThermometer(folder: string): Thermometer {
  const read = (...path: string[]) =>
    readFile(join(folder, ...path), 'utf8').then(
      text => text.trim(),
      () => '',
    )
  const list = (...path: string[]) => readdir(join(folder, ...path)).catch(() => [] as string[])
  return async () => {
    const readings: string[] = []
    for (const zone of await list('thermal'))
      if (zone.startsWith('thermal_zone') && PROCESSOR_ZONES.test(await read('thermal', zone, 'type')))
        readings.push(await read('thermal', zone, 'temp'))
    for (const monitor of await list('hwmon')) {
      if (!PROCESSOR_SENSORS.test(await read('hwmon', monitor, 'name'))) continue
      for (const file of await list('hwmon', monitor))
        if (/^temp\d+_input$/.test(file)) readings.push(await read('hwmon', monitor, file))
    }
    const celsius = readings
      .filter(reading => /^-?\d+$/.test(reading))
      .map(reading => Number(reading) / 1_000)
      .filter(value => value >= PLAUSIBLE.least && value <= PLAUSIBLE.most)
    return celsius.length === 0 ? null : Math.max(...celsius)
  }
}
