import { z } from 'zod'
import { type Clock, repeat, type Timer } from '../../../clock.ts'
import type { Logger } from '../../../log.ts'
import type { Store } from '../../../store/store.ts'
import type { Table } from '../../../store/table.ts'
import { FEATURES_VERSION } from '../features.ts'
import type { LinUcbPolicy } from './lin-ucb.ts'

const bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array, { message: 'must be bytes' })
const learnedSchema = z.strictObject({
  features: z.int().min(1),
  updates: z.int().min(0),
  /** 64-bit floats, little-endian, one after the other. */
  inverse: bytes,
  moments: bytes,
  models: z.array(z.string()),
})
type Learned = z.infer<typeof learnedSchema>

export interface PolicyMemoryOptions {
  /** How often what was learned is written. Default a minute. */
  everyMs?: number
}

/** Keeps what a policy has learned over restarts. */
export class PolicyMemory {
  readonly #everyMs: number
  readonly #policy: LinUcbPolicy
  readonly #store: Store
  readonly #table: Table<Learned>
  readonly #clock: Clock
  readonly #log: Logger
  /** Outcomes that the written state of each class was learned from. */
  readonly #written = new Map<string, number>()
  #timer: Timer | null = null

  constructor(
    options: PolicyMemoryOptions,
    modules: { policy: LinUcbPolicy; store: Store; clock: Clock; log: Logger },
  ) {
    this.#everyMs = options.everyMs ?? 60_000
    this.#policy = modules.policy
    this.#store = modules.store
    this.#table = modules.store.table('routing-policy', learnedSchema)
    this.#clock = modules.clock
    this.#log = modules.log
  }

  /** Gives the policy what was kept; what was learned of other features is of no use any more. */
  async start(): Promise<void> {
    for await (const [taskClass, learned] of this.#table.entries()) {
      const { features, updates, inverse, moments, models } = learned
      this.#written.set(taskClass, updates)
      if (features !== FEATURES_VERSION) continue
      this.#policy.restore(taskClass, { updates, inverse: floats(inverse), moments: floats(moments), models })
    }
    this.#timer = repeat(this.#clock, this.#everyMs, async () => {
      await this.save().catch(error => this.#log.warn({ err: error }, 'what routing learned was not kept'))
    })
  }

  /** Writes what is new, and forgets what the policy has forgotten. */
  async save(): Promise<void> {
    const operations = []
    const current = new Map(this.#policy.summary().map(({ taskClass, outcomes }) => [taskClass, outcomes]))
    for (const [taskClass, outcomes] of current) {
      const state = this.#policy.state(taskClass)
      if (state === null || this.#written.get(taskClass) === outcomes) continue
      operations.push(
        this.#table.putOperation(taskClass, {
          features: FEATURES_VERSION,
          updates: state.updates,
          inverse: bytesOf(state.inverse),
          moments: bytesOf(state.moments),
          models: state.models,
        }),
      )
    }
    for (const taskClass of this.#written.keys()) {
      if (!current.has(taskClass)) operations.push(this.#table.deleteOperation(taskClass))
    }
    if (operations.length === 0) return
    await this.#store.batch(operations, { sync: false })
    this.#written.clear()
    for (const [taskClass, outcomes] of current) this.#written.set(taskClass, outcomes)
  }

  /** Writes what is new. Idempotent. */
  async stop(): Promise<void> {
    if (this.#timer === null) return
    this.#timer.cancel()
    this.#timer = null
    await this.save().catch(error => this.#log.warn({ err: error }, 'what routing learned was not kept'))
  }
}

function bytesOf(values: Float64Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 8))
  values.forEach((value, index) => {
    view.setFloat64(index * 8, value, true)
  })
  return new Uint8Array(view.buffer)
}

function floats(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float64Array.from({ length: Math.floor(bytes.byteLength / 8) }, (_, index) =>
    view.getFloat64(index * 8, true),
  )
}
