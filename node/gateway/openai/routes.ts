import type { GatewayPlugin } from '../http/plugin.ts'
import { chatRoutes } from './chat.ts'
import { completionRoutes } from './completions.ts'
import { embeddingRoutes } from './embeddings.ts'
import { modelRoutes } from './models.ts'
import { responseRoutes } from './responses.ts'

/** OpenAI's API. */
export const openaiRoutes: GatewayPlugin = async (app, context) => {
  for (const routes of [chatRoutes, completionRoutes, responseRoutes, embeddingRoutes, modelRoutes])
    await routes(app, context)
}
