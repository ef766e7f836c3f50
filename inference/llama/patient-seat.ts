import { EngineError } from '../engine.ts'
import { messageOf } from './bindings.ts'
import type { SequenceSlot } from './sequence-slot.ts'
import type { Seat, SlotPool } from './slot-pool.ts'

/** A place behind all generations, for work that looks at text which is there already. */
export class PatientSeat {
  readonly #pool: SlotPool<SequenceSlot>
  readonly #signal: AbortSignal
  readonly #what: string
  #seat: Seat<SequenceSlot> | null = null

  /** @param options.what was done when it failed, for whoever is told */
  constructor(options: { what: string; signal: AbortSignal }, modules: { pool: SlotPool<SequenceSlot> }) {
    this.#what = options.what
    this.#signal = options.signal
    this.#pool = modules.pool
  }

  get isComputing(): boolean {
    return this.#seat !== null && !this.#seat.isQueued
  }

  /**
   * Runs `work` once a slot is free, and leaves it.
   * @throws {EngineError} ENGINE_BUSY, CANCELLED while it waited; ENGINE_CRASHED for what else than that `work` throws
   */
  async use<T>(work: (slot: SequenceSlot) => Promise<T>): Promise<T> {
    const seat = this.#pool.enter([], { isPatient: true })
    this.#seat = seat
    const leave = () => seat.isQueued && seat.leave()
    this.#signal.addEventListener('abort', leave, { once: true })
    if (this.#signal.aborted) leave()
    let slot: SequenceSlot | null = null
    let isBroken = false
    try {
      slot = await seat.slot
      return await work(slot)
    } catch (error) {
      if (error instanceof EngineError) throw error
      isBroken = true
      throw new EngineError('ENGINE_CRASHED', `the engine failed while ${this.#what}: ${messageOf(error)}`, {
        fix: 'Try again; if it happens again, ask another engine.',
        cause: error,
      })
    } finally {
      this.#signal.removeEventListener('abort', leave)
      // After a failure the cache may be in any state.
      if (isBroken) await slot?.reset().catch(() => {})
      this.#seat = null
      seat.leave()
    }
  }
}
