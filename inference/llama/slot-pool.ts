import { EngineError } from '../engine.ts'

/** What the choice of a slot needs to know of it. */
export interface Slot {
  /** Tokens its warm state holds. */
  readonly cachedTokens: number
  /** How many of the first `tokens` its warm state shares. */
  commonPrefix(tokens: readonly number[]): number
}

/**
 * The idle slot to run `tokens` in: the one with the longest common prefix, where that prefix is at
 * least half of what the slot holds or of what is asked; else the one left idle the longest, so that
 * a shared system prompt alone does not throw away a long warm conversation.
 * @param idle longest idle first, at least one
 */
export function chooseSlot<T extends Slot>(idle: readonly T[], tokens: readonly number[]): T {
  let best = idle[0]!
  let bestPrefix = 0
  for (const slot of idle) {
    const prefix = slot.commonPrefix(tokens)
    if (prefix > bestPrefix && 2 * prefix >= Math.min(slot.cachedTokens, tokens.length)) {
      best = slot
      bestPrefix = prefix
    }
  }
  return best
}

/** A generation's place: first in the queue, then on a slot, until it leaves. */
export interface Seat<T> {
  /** Resolves with the slot; rejects with {EngineError} CANCELLED when `leave` comes first. */
  readonly slot: Promise<T>
  readonly isQueued: boolean
  /** Gives the place up. Idempotent. */
  leave(): void
}

interface Waiting<T> {
  tokens: readonly number[]
  seat: (slot: T) => void
}

export interface SlotPoolOptions {
  /** Generations that may wait for a slot, and as many audits. */
  maxQueued: number
}

/** The slots of one model and the queue in front of them: generations, first come first served, then audits. */
export class SlotPool<T extends Slot> {
  readonly #maxQueued: number
  readonly #slots: readonly T[]
  readonly #onChange: () => void
  /** Longest idle first. */
  readonly #idle: T[]
  readonly #queue: Waiting<T>[] = []
  /** Behind the queue. */
  readonly #patient: Waiting<T>[] = []
  #drained: (() => void)[] = []

  constructor(options: SlotPoolOptions, modules: { slots: readonly T[]; onChange: () => void }) {
    this.#maxQueued = options.maxQueued
    this.#slots = modules.slots
    this.#onChange = modules.onChange
    this.#idle = [...modules.slots]
  }

  get active(): number {
    return this.#slots.length - this.#idle.length
  }

  /** Generations that wait. */
  get queued(): number {
    return this.#queue.length
  }

  get free(): number {
    return this.#idle.length
  }

  /**
   * @param options.isPatient whether it waits behind all who are not
   * @throws {EngineError} ENGINE_BUSY when the queue is full
   */
  enter(tokens: readonly number[], { isPatient = false }: { isPatient?: boolean } = {}): Seat<T> {
    const queue = isPatient ? this.#patient : this.#queue
    if (this.#idle.length === 0 && queue.length >= this.#maxQueued) {
      throw busy(this.#slots.length, queue.length)
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    promise.catch(() => {})
    let held: T | null = null
    let left = false
    const waiting: Waiting<T> = {
      tokens,
      seat: slot => {
        held = slot
        resolve(slot)
      },
    }
    if (this.#idle.length > 0) this.#take(waiting)
    else queue.push(waiting)
    this.#onChange()
    return {
      slot: promise,
      get isQueued() {
        return held === null && !left
      },
      leave: () => {
        if (left) return
        left = true
        if (held === null) {
          queue.splice(queue.indexOf(waiting), 1)
          reject(new EngineError('CANCELLED', 'the generation was cancelled while it waited for a slot'))
        } else this.#release(held)
        this.#onChange()
      },
    }
  }

  /** Resolves when nothing runs and nothing waits. */
  async drain(): Promise<void> {
    if (this.active === 0) return
    await new Promise<void>(resolve => {
      this.#drained.push(resolve)
    })
  }

  #take(waiting: Waiting<T>): void {
    const slot = chooseSlot(this.#idle, waiting.tokens)
    this.#idle.splice(this.#idle.indexOf(slot), 1)
    waiting.seat(slot)
  }

  #release(slot: T): void {
    this.#idle.push(slot)
    const next = this.#queue.shift() ?? this.#patient.shift()
    if (next !== undefined) this.#take(next)
    else if (this.active === 0) {
      const drained = this.#drained
      this.#drained = []
      for (const resolve of drained) resolve()
    }
  }
}

export function busy(slots: number, queued: number): EngineError {
  return new EngineError('ENGINE_BUSY', `all ${slots} slots are taken and ${queued} requests wait`, {
    fix: 'Try again in a moment, or at another provider.',
    details: { slots, queued },
  })
}
