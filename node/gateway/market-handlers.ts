import type { ShoalNode } from '../node.ts'
import type { ControlParameters } from './control-api.ts'
import { type MarketView, marketView } from './market-views.ts'
import type { ServedModels } from './served-models.ts'

/** What commands about the market do to a node. */
export function marketHandlers(node: ShoalNode, modules: { served: ServedModels }) {
  return {
    market: (query: ControlParameters<'market'>): Promise<MarketView> =>
      marketView(node, modules.served.list(), query),
  }
}
