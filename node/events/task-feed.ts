import { isShoalError } from '../../protocol/errors.ts'
import type { TaskNews } from '../tasks/task-news.ts'
import { OWNER } from './event.ts'
import type { EventJournal } from './journal.ts'
import { jsonOf } from './json.ts'
import type { TaskTenants } from './task-tenants.ts'

/**
 * Puts into the journal how the tasks go that this node asks for; what was asked and answered is in none of it. It is said
 * in the turn after the one in which it happened: a task is sent first, and told of then.
 */
export function feedFromTasks(modules: {
  journal: Pick<EventJournal, 'append'>
  tenants: TaskTenants
}): (news: TaskNews) => void {
  const { journal, tenants } = modules
  return news => {
    const { taskId, ask } = news
    const tenant = ask.tenant ?? OWNER
    if (news.type === 'began') tenants.note(taskId, tenant)
    const told = eventOf(news)
    if (told === null) return
    const { type, ...data } = told
    setImmediate(() => journal.append({ channel: 'tasks', type, tenant, data: { taskId, ...jsonOf(data) } }))
  }
}

function eventOf(news: TaskNews): { type: string; [field: string]: unknown } | null {
  switch (news.type) {
    case 'began': {
      const { model, maxTokens, maxPrice, preferences } = news.ask
      const { strategy, dataClass, slaClass, region } = preferences
      return { type: 'task-began', ...{ model, maxTokens, maxPrice, strategy, dataClass, slaClass, region } }
    }
    case 'event': {
      const { event } = news
      if (event.type === 'chosen') {
        const { candidate, attempt } = event
        const { provider, model, prediction } = candidate
        const { expectedCost, totalMs } = prediction
        return {
          type: 'task-given',
          ...{ provider, model: model.model, attempt, expectedCost, expectedMs: totalMs },
        }
      }
      return event.type === 'failover' ? { ...event, type: 'task-failover' } : null
    }
    case 'ended': {
      const { text: _, taskId: __, ...result } = news.result
      return { type: 'task-ended', ...result }
    }
    case 'failed':
      return { type: 'task-failed', code: isShoalError(news.error) ? news.error.code : 'INTERNAL' }
  }
}
