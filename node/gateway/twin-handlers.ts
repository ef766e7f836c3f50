import type { ShoalNode } from '../node.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { twinMethods } from './twin-methods.ts'
import { twinView } from './twin-views.ts'

/** What the commands about the personal twin do. */
export function twinHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof twinMethods> {
  const { twin } = node.parts.learner
  return {
    twin: async () => twinView(await twin.status()),
    trainTwin: async (order, tell, signal) => {
      await twin.train(order, { signal, onProgress: tell })
      return twinView(await twin.status())
    },
    forgetTwin: async () => ({ forgotten: await twin.forget() }),
  }
}
