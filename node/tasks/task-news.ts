import type { TaskId } from '../../protocol/ids.ts'
import type { AskOptions, TaskEvent, TaskResult } from './ask.ts'

/** How one of the tasks goes that this node asks for, for whoever keeps watch over all of them. */
export type TaskNews = { taskId: TaskId; ask: AskOptions } & (
  | { type: 'began' }
  | { type: 'event'; event: TaskEvent }
  | { type: 'ended'; result: TaskResult }
  | { type: 'failed'; error: unknown }
)
