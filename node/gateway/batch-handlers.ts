import { parseCredits } from '../../protocol/money.ts'
import { systemClock } from '../clock.ts'
import type { ShoalNode } from '../node.ts'
import { Batch } from '../tasks/batch.ts'
import { askOptionsFrom } from './ask-options.ts'
import { batchEventView, batchForecastView, batchResultView } from './batch-views.ts'
import type { ControlParameters } from './control-api.ts'

/** Planning and doing many tasks at once. */
export function batchHandlers(node: ShoalNode) {
  return {
    batch: async (
      { tasks, budget, deadlineMs, minQuality, pick, planOnly, maxConcurrent }: ControlParameters<'batch'>,
      tell: (event: unknown) => void,
      signal: AbortSignal,
    ) => {
      const { requester } = node.trade
      const batch = new Batch(
        {
          tasks: tasks.map(task => askOptionsFrom(task, node.config['privacy.defaultClass'])),
          budget: budget === null ? null : parseCredits(budget),
          ...{ deadlineMs, minQuality, pick, maxConcurrent },
        },
        {
          preview: (demand, limit) => requester.preview(demand, limit),
          ask: (options, cancel) => requester.ask(options, () => {}, cancel),
          clock: systemClock,
          random: Math.random,
        },
      )
      if (planOnly) return batchForecastView(await batch.plan())
      return batchResultView(await batch.run(event => tell(batchEventView(event)), signal))
    },
  }
}
