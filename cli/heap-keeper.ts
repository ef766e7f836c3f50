import { type Clock, repeat, systemClock } from '../node/clock.ts'

export interface HeapKeeperOptions {
  /** A process is at work whose event loop is busy for more than this share of the time. */
  workFrom?: number
  /** It is quiet while its loop is busy for less than this share, once that has lasted for `quietAfterMs`. */
  quietBelow?: number
  quietAfterMs?: number
  /** What a start does is no work: so long after it nothing is looked at. */
  startMs?: number
  /** What is new is kept in no more than this, bytes. */
  maxNewBytes?: number
}

export interface HeapKeeperModules {
  /** Share of the time for which the event loop was busy since the last call, 0 to 1. */
  utilization: () => number
  /** Bytes that V8 has set aside for what is new. */
  newBytes: () => number
  /** `v8.setFlagsFromString`. */
  setFlags: (flags: string) => void
  clock?: Clock
}

const LOOK_EVERY_MS = 250

/**
 * Keeps the heap small while there is little to do, and its collections short while there is much. A node is mostly idle
 * and runs on small machines beside models: V8's "optimize for size" then saves a third of its memory. At work it would pay
 * for that with a full collection of 10 to 20 ms about every second; and without it V8 lets what is new grow until to
 * collect that takes as long. All streams wait for a collection.
 */
export class HeapKeeper {
  readonly #options: Required<HeapKeeperOptions>
  readonly #modules: HeapKeeperModules & { clock: Clock }
  #isThrifty = false
  #mayGrow = true
  #quietMs = 0

  constructor(options: HeapKeeperOptions, modules: HeapKeeperModules) {
    this.#options = {
      ...{ workFrom: 0.02, quietBelow: 0.01, quietAfterMs: 60_000, startMs: 5_000 },
      ...{ maxNewBytes: 16_000_000 },
      ...options,
    }
    this.#modules = { clock: systemClock, ...modules }
  }

  /** From now on, for as long as the process lives; the heap is thrifty at first. */
  start(): void {
    const { clock, utilization } = this.#modules
    this.#beThrifty(true)
    clock.setTimer(() => {
      utilization()
      repeat(clock, LOOK_EVERY_MS, async () => this.#look())
    }, this.#options.startMs)
  }

  #look(): void {
    const { workFrom, quietBelow, quietAfterMs, maxNewBytes } = this.#options
    const { utilization, newBytes } = this.#modules
    const share = utilization()
    if (share >= workFrom) this.#beThrifty(false)
    this.#quietMs = share < quietBelow ? this.#quietMs + LOOK_EVERY_MS : 0
    if (this.#quietMs >= quietAfterMs) this.#beThrifty(true)
    this.#letGrow(newBytes() < maxNewBytes)
  }

  #beThrifty(isThrifty: boolean): void {
    if (this.#isThrifty === isThrifty) return
    this.#isThrifty = isThrifty
    this.#modules.setFlags(isThrifty ? '--optimize-for-size' : '--no-optimize-for-size')
  }

  /** V8 makes what it sets aside for what is new twice as large whenever much of it survives. */
  #letGrow(mayGrow: boolean): void {
    if (this.#mayGrow === mayGrow) return
    this.#mayGrow = mayGrow
    this.#modules.setFlags(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`)
  }
}
