import { modelCannot } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { runEmbedding } from '../inference/call.ts'
import { resultHeaders, shoalBody } from '../inference/shoal-info.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import { nanoseconds } from './answer.ts'
import {
  embeddingsRequestSchema,
  embeddingsResponseSchema,
  embedRequestSchema,
  embedResponseSchema,
  ollamaErrors,
} from './schema.ts'
import { modelOf } from './translation.ts'

/** `POST /api/embed`, and `/api/embeddings`, which older clients use. */
export const embedRoutes: GatewayPlugin = (app, context) => {
  const { clock } = context
  app.route({
    method: 'POST',
    url: '/api/embed',
    config: { needs: 'infer', dialect: 'ollama' },
    schema: {
      summary: 'Embed texts',
      tags: ['Ollama'],
      body: embedRequestSchema,
      response: { 200: embedResponseSchema, ...ollamaErrors },
    },
    handler: async (request, reply) => {
      const { model, input, dimensions, shoal: options } = request.body
      if (dimensions) throw modelCannot('dimensions', 'vectors are as long as the model makes them')
      const startedAtMs = clock.nowMs()
      const embedding = {
        ...{ model: modelOf(model), inputs: typeof input === 'string' ? [input] : input },
        shoal: shoalOptionsFrom(options, request.headers),
      }
      const { vectors, usage, shoal } = await runEmbedding({ request, reply, embedding }, context)
      resultHeaders(reply, shoal)
      return reply.send({
        model: shoal.model,
        embeddings: vectors.map(vector => [...vector]),
        total_duration: nanoseconds(clock.nowMs() - startedAtMs),
        load_duration: 0,
        prompt_eval_count: usage.promptTokens,
        shoal: shoalBody(shoal),
      })
    },
  })
  app.route({
    method: 'POST',
    url: '/api/embeddings',
    config: { needs: 'infer', dialect: 'ollama' },
    schema: {
      summary: 'Embed one text',
      tags: ['Ollama'],
      body: embeddingsRequestSchema,
      response: { 200: embeddingsResponseSchema, ...ollamaErrors },
    },
    handler: async (request, reply) => {
      const { model, prompt, shoal: options } = request.body
      const shoal = shoalOptionsFrom(options, request.headers)
      const embedding = { model: modelOf(model), inputs: [prompt], shoal }
      const result = await runEmbedding({ request, reply, embedding }, context)
      resultHeaders(reply, result.shoal)
      return reply.send({ embedding: [...result.vectors[0]!] })
    },
  })
}
