import type { GatewayPlugin } from './plugin.ts'

/** Refuses routes that do not say who may use them, so that none is open by oversight. */
export const requireNeeds: GatewayPlugin = app => {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.needs === undefined) throw new Error(`the route ${url} does not say what it needs`)
  })
}
