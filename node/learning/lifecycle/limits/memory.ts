import type { Clock } from '../../../clock.ts'
import { ALLOWED, hindered, type Limit, type LimitVerdict } from './limit.ts'

export interface MemoryOptions {
  /** Learning ends when less is free, bytes. */
  minFreeBytes: number
  /** Learning ends when it holds more, bytes. */
  maxBytes: number
}

export interface MemoryModules {
  clock: Clock
  /** What could be had without swapping, within what this process may have; bytes. */
  freeBytes: () => number
}

/** After memory ran short: learning would take as much again. */
const REST_MS = 5 * 60_000
const MIB = 1024 * 1024

/** Lets learn while there is memory; a paused training holds its own, so that it is ended when it runs short. */
export class Memory implements Limit {
  readonly code = 'memory'
  readonly #options: MemoryOptions
  readonly #modules: MemoryModules
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: MemoryOptions, modules: MemoryModules) {
    this.#options = options
    this.#modules = modules
  }

  async check({
    running,
    residentBytes,
  }: {
    running: boolean
    residentBytes: number | null
  }): Promise<LimitVerdict> {
    const { minFreeBytes, maxBytes } = this.#options
    const nowMs = this.#modules.clock.nowMs()
    const freeBytes = this.#modules.freeBytes()
    const isShort = freeBytes < minFreeBytes
    const isLarge = residentBytes !== null && residentBytes > maxBytes
    if (running && (isShort || isLarge)) this.#restsUntilMs = nowMs + REST_MS
    if (isLarge) return hindered(`learning holds ${mib(residentBytes)}, and may hold ${mib(maxBytes)}`, true)
    if (isShort)
      return hindered(`${mib(freeBytes)} of memory are free, and ${mib(minFreeBytes)} are to stay so`, true)
    if (!running && nowMs < this.#restsUntilMs) return hindered('memory ran short a while ago', true)
    return ALLOWED
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
