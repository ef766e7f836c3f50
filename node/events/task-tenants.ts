import { z } from 'zod'
import type { TaskId } from '../../protocol/ids.ts'
import type { Logger } from '../log.ts'
import { ChangedRecords } from '../store/changed-records.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { OWNER } from './event.ts'

/** The latest tasks are known without asking the disk. */
const MAX_RECENT = 20_000

/** For whom this node had tasks done; a task that is not here is the owner's. */
export class TaskTenants {
  readonly #table: Table<string>
  readonly #changed: ChangedRecords
  readonly #recent = new Map<TaskId, string>()

  constructor(modules: { store: Pick<Store, 'table' | 'batch'>; log: Logger }) {
    this.#table = modules.store.table('task-tenants', z.string())
    this.#changed = new ChangedRecords({
      ...modules,
      operationOf: taskId => this.#table.putOperation(taskId, this.recent(taskId)),
    })
  }

  /** A task begins for somebody. */
  note(taskId: TaskId, tenant: string): void {
    if (tenant === OWNER) return
    this.#recent.set(taskId, tenant)
    this.#changed.note(taskId)
    if (this.#recent.size <= MAX_RECENT) return
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest)
      return
    }
  }

  /** Of a task that has begun lately. */
  recent(taskId: TaskId): string {
    return this.#recent.get(taskId) ?? OWNER
  }

  async of(taskId: TaskId): Promise<string> {
    return this.#recent.get(taskId) ?? (await this.#table.get(taskId)) ?? OWNER
  }

  /** Waits for what is being written; idempotent. */
  async stop(): Promise<void> {
    await this.#changed.settled()
  }
}
