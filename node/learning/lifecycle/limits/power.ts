import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ALLOWED, hindered, type Limit, type LimitVerdict } from './limit.ts'

/** Where this machine has its power from; null where it does not tell. */
export type PowerSource = () => Promise<'mains' | 'battery' | null>

const ASK_TIMEOUT_MS = 2_000

/** Lets learn on mains only. */
export class Power implements Limit {
  readonly code = 'power'
  readonly #needsMains: boolean
  readonly #source: PowerSource

  constructor(options: { power: 'ac' | 'any' }, modules: { source: PowerSource }) {
    this.#needsMains = options.power === 'ac'
    this.#source = modules.source
  }

  async check(): Promise<LimitVerdict> {
    if (!this.#needsMains) return ALLOWED
    const source = await this.#source()
    if (source === null)
      return { kind: 'unknown', message: 'this machine does not tell whether it is on mains' }
    return source === 'mains' ? ALLOWED : hindered('the machine runs on battery')
  }
}

/** That of this machine: Linux and macOS tell; Windows has not been tried and is not asked. */
export function powerSource(platform: NodeJS.Platform = process.platform): PowerSource {
  if (platform === 'linux') return linuxPower('/sys/class/power_supply')
  if (platform === 'darwin')
    return macPower(
      async () => (await promisify(execFile)('pmset', ['-g', 'batt'], { timeout: ASK_TIMEOUT_MS })).stdout,
    )
  return async () => null
}

/**
 * By what the kernel says of power supplies (Documentation/ABI/testing/sysfs-class-power). A machine without a battery of
 * its own is on mains; those of mice and the like do not count.
 * @param folder `/sys/class/power_supply`
 */
export function linuxPower(folder: string): PowerSource {
  return async () => {
    const names = await readdir(folder).catch(() => null)
    if (names === null) return null
    const read = (name: string, file: string) =>
      readFile(join(folder, name, file), 'utf8').then(
        text => text.trim(),
        () => null,
      )
    let hasBattery = false
    let isDischarging = false
    for (const name of names) {
      const type = await read(name, 'type')
      if (type === 'Battery') {
        if ((await read(name, 'scope')) === 'Device') continue
        hasBattery = true
        isDischarging ||= (await read(name, 'status')) === 'Discharging'
      } else if ((await read(name, 'online')) === '1') return 'mains'
    }
    return hasBattery && isDischarging ? 'battery' : 'mains'
  }
}

/** @param ask what `pmset -g batt` prints */
export function macPower(ask: () => Promise<string>): PowerSource {
  return async () => {
    const told = await ask().catch(() => '')
    if (told.includes("'AC Power'")) return 'mains'
    return told.includes("'Battery Power'") || told.includes("'UPS Power'") ? 'battery' : null
  }
}
