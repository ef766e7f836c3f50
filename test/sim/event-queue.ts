import type { Clock, Timer } from '../../node/clock.ts'

interface Event {
  atMs: number
  /** Ties go in the order they were made in: the run is the same every time. */
  order: number
  run: () => void
}

/** Simulated time: what is to happen, in order; a binary heap. */
export class EventQueue implements Clock {
  #nowMs: number
  #made = 0
  readonly #heap: Event[] = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    let cancelled = false
    this.after(delayMs, () => {
      if (!cancelled) callback()
    })
    return {
      cancel: () => {
        cancelled = true
      },
    }
  }

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap
    const event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#made++, run }
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  /** Runs events until there are none, or `isOver`. */
  run(isOver: () => boolean): void {
    for (let event = this.#take(); event !== undefined; event = this.#take()) {
      this.#nowMs = event.atMs
      event.run()
      if (isOver()) return
    }
  }

  #take(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
