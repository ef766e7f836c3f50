import type { ShoalNode } from '../node.ts'
import type { ControlParameters } from './control-api.ts'
import type { trustMethods } from './trust-methods.ts'
import { peerDetailView } from './trust-views.ts'

type Handlers = { [M in keyof typeof trustMethods]: (parameters: ControlParameters<M>) => unknown }

/** What the commands about trust do. */
export function trustHandlers(node: ShoalNode): Handlers {
  return { peer: ({ peer }) => peerDetailView(node, peer) }
}
