import { nodeHandlers } from '../control-handlers.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { controlRoutes } from './control-routes.ts'
import { LOOK_ROUTES, overviewRoutes } from './look-routes.ts'
import { OPERATE_ROUTES } from './operate-routes.ts'
import { receiptRoutes } from './receipt-routes.ts'

/** `/api`: the node itself, in the words and numbers of the command line. */
export const apiRoutes: GatewayPlugin = async (app, context) => {
  const { node, served, shutDown } = context
  const handlers = nodeHandlers(node, { served, shutDown })
  controlRoutes(app, [...LOOK_ROUTES, ...OPERATE_ROUTES], handlers)
  await overviewRoutes(app, context)
  await receiptRoutes(app, context)
}
