const WINDOW_MS = 5_000

/** Bytes per second over the last five seconds. */
export class SpeedMeter {
  readonly #nowMs: () => number
  readonly #samples: { atMs: number; bytes: number }[] = []

  constructor(modules: { nowMs: () => number }) {
    this.#nowMs = modules.nowMs
  }

  /** @param bytes there altogether */
  add(bytes: number): void {
    const atMs = this.#nowMs()
    this.#samples.push({ atMs, bytes })
    while (this.#samples.length > 2 && this.#samples[1]!.atMs < atMs - WINDOW_MS) this.#samples.shift()
  }

  get bytesPerSecond(): number {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    return Math.max(0, ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1_000)
  }
}
