import type { GatewayPlugin } from '../http/plugin.ts'
import { embedRoutes } from './embed.ts'
import { modelRoutes } from './models.ts'
import { textRoutes } from './text.ts'

/** Ollama's API. */
export const ollamaRoutes: GatewayPlugin = async (app, context) => {
  for (const routes of [textRoutes, embedRoutes, modelRoutes]) await routes(app, context)
}
