import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { TaskId } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Table } from '../../store/table.ts'
import { OWNER_TENANT } from '../http/principal.ts'

const taskSchema = z.strictObject({ tenant: z.string().max(64), atMs: wire.timeMs })

/** Receipts are kept longer; then they are the owner's alone. */
const KEPT_MS = 400 * 24 * 3_600_000
const FORGOTTEN_AT_ONCE = 1_000

/** Whose tasks are whose: a tenant sees its own and what came of them, and the owner sees all. */
export class TenantTasks {
  readonly #clock: Clock
  readonly #store: Store
  readonly #table: Table<z.output<typeof taskSchema>>

  constructor(modules: { store: Store; clock: Clock }) {
    this.#clock = modules.clock
    this.#store = modules.store
    this.#table = modules.store.table('gatewayTasks', taskSchema)
  }

  /** Forgets what is long over. @throws {StoreError} */
  async start(): Promise<void> {
    const beforeMs = this.#clock.nowMs() - KEPT_MS
    let forgotten: string[] = []
    const forget = () => this.#store.batch(forgotten.map(id => this.#table.deleteOperation(id)))
    for await (const [id, { atMs }] of this.#table.entries()) {
      if (atMs < beforeMs) forgotten.push(id)
      if (forgotten.length < FORGOTTEN_AT_ONCE) continue
      await forget()
      forgotten = []
    }
    if (forgotten.length > 0) await forget()
  }

  /** A task has begun on behalf of a tenant; of the owner nothing need be kept. @throws {StoreError} */
  async note(taskId: TaskId, tenant: string): Promise<void> {
    if (tenant === OWNER_TENANT) return
    await this.#table.put(taskId, { tenant, atMs: this.#clock.nowMs() }, { sync: false })
  }

  /** The owner's where nothing else is known. @throws {StoreError} */
  async tenantOf(taskId: TaskId): Promise<string> {
    return (await this.#table.get(taskId))?.tenant ?? OWNER_TENANT
  }

  /** Whether a tenant may see a task and what came of it. @throws {StoreError} */
  async maySee(tenant: string, taskId: TaskId): Promise<boolean> {
    return tenant === OWNER_TENANT || (await this.tenantOf(taskId)) === tenant
  }
}
