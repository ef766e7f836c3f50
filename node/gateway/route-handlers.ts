import type { RouteLearning } from '../market/routing/learning/route-learning.ts'
import type { ControlParameters } from './control-api.ts'
import type { routeMethods } from './route-methods.ts'
import { decisionView, policyView } from './route-views.ts'

type Handlers = { [M in keyof typeof routeMethods]: (parameters: ControlParameters<M>) => unknown }

/** What the commands about routing do. */
export function routeHandlers(learning: RouteLearning): Handlers {
  return {
    routeExplain: async ({ taskId }) => (await learning.explain(taskId)).map(decisionView),
    routeReplay: ({ policy }) => learning.replay(policy),
    routePolicy: async ({ forget }) => {
      if (forget) await learning.forget()
      await learning.file.check()
      return policyView(learning)
    },
    routeRate: async ({ taskId, quality }) => {
      const { reward } = await learning.recorder.rate(taskId, quality)
      return { taskId, quality, reward }
    },
  }
}
