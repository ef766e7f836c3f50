import type { GatewayPlugin } from '../http/plugin.ts'
import { embedRoutes } from './embed.ts'
import { modelRoutes } from './models.ts'
import { textRoutes } from './text.ts'

/** Ollama's API. It takes JSON also where `curl -d` calls it a form; pages of other sites were refused before. */
export const ollamaRoutes: GatewayPlugin = async (app, context) => {
  await app.register(async scoped => {
    const readJson = scoped.getDefaultJsonParser('error', 'error')
    scoped.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, readJson)
    for (const routes of [textRoutes, embedRoutes, modelRoutes]) await routes(scoped, context)
  })
}
