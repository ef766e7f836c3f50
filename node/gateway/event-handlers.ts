import { systemClock } from '../clock.ts'
import { CHANNELS } from '../events/channels.ts'
import type { ShoalNode } from '../node.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { eventMethods } from './event-methods.ts'
import { eventPageView } from './event-views.ts'

const WAIT_MS = 30_000

/** What the commands about events do. */
export function eventHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof eventMethods> {
  const { journal } = node.parts.eventDesk
  return {
    eventPage: async ({ channels, after, limit, wait }, _tell, signal) => {
      const query = { channels: channels ?? CHANNELS, after, limit }
      const page = await eventPageView(journal, query)
      if (
        !wait ||
        after === null ||
        page.events.length + page.gaps.length > 0 ||
        page.lastId !== page.newestId
      )
        return page
      const reader = journal.reader({ channels: query.channels, after: Number(page.lastId) })
      const timer = systemClock.setTimer(() => reader.close(), WAIT_MS)
      const leave = () => reader.close()
      signal.addEventListener('abort', leave)
      if (signal.aborted) leave()
      const found = await reader.next(1)
      signal.removeEventListener('abort', leave)
      timer.cancel()
      reader.close()
      return found === null ? page : eventPageView(journal, query)
    },
  }
}
