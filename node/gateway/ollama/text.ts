import type { GatewayPlugin } from '../http/plugin.ts'
import { type AnswerForm, answer } from './answer.ts'
import {
  chatRequestSchema,
  chatResponseSchema,
  generateRequestSchema,
  generateResponseSchema,
  ollamaErrors,
} from './schema.ts'
import { chatRequest, generateRequest, modelOf } from './translation.ts'

const CHAT: AnswerForm = { part: message => ({ message }) }
const GENERATE: AnswerForm = { part: ({ content }) => ({ response: content }) }

/** `POST /api/chat` and `/api/generate`. */
export const textRoutes: GatewayPlugin = (app, context) => {
  const { clock } = context
  /** Who says nothing has a model loaded, which here is done for nobody and takes no time. */
  const loaded = (model: string) => ({
    ...{ model: modelOf(model), created_at: new Date(clock.nowMs()).toISOString() },
    ...{ done: true, done_reason: 'load', total_duration: 0, load_duration: 0, prompt_eval_count: 0 },
    ...{ prompt_eval_duration: 0, eval_count: 0, eval_duration: 0 },
  })
  app.route({
    method: 'POST',
    url: '/api/chat',
    config: { needs: 'infer', dialect: 'ollama' },
    schema: {
      summary: 'Answer a chat',
      tags: ['Ollama'],
      body: chatRequestSchema,
      response: { 200: chatResponseSchema, ...ollamaErrors },
    },
    handler: async (request, reply) => {
      const { body } = request
      if (body.messages.length === 0)
        return reply.send({ ...loaded(body.model), message: { role: 'assistant', content: '' } })
      const canonical = chatRequest(body, request.headers)
      return answer({ request, reply, canonical, isStream: body.stream !== false }, CHAT, context)
    },
  })
  app.route({
    method: 'POST',
    url: '/api/generate',
    config: { needs: 'infer', dialect: 'ollama' },
    schema: {
      summary: 'Answer a prompt',
      tags: ['Ollama'],
      body: generateRequestSchema,
      response: { 200: generateResponseSchema, ...ollamaErrors },
    },
    handler: async (request, reply) => {
      const { body } = request
      if (!body.prompt) return reply.send({ ...loaded(body.model), response: '' })
      const canonical = generateRequest(body, request.headers)
      return answer({ request, reply, canonical, isStream: body.stream !== false }, GENERATE, context)
    },
  })
}
