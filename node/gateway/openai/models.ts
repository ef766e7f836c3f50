import { z } from 'zod'
import { isNamed } from '../../market/model-names.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { type KnownModel, knownModels } from '../inference/known-models.ts'
import { openaiErrors } from './chat-schema.ts'

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  ...{ type: z.literal('model'), display_name: z.string(), created_at: z.string() },
  shoal: z
    .object({
      ids: z.array(z.string()),
      kinds: z.array(z.string()),
      contextTokens: z.int(),
      providers: z.int(),
      price: z
        .object({ input: z.string(), output: z.string() })
        .describe('Credits for a million tokens, the cheapest.'),
      parameters: z.number(),
      quantizations: z.array(z.string()),
    })
    .describe('What the market says of it.'),
})
type Model = z.output<typeof modelSchema>

/** Clients of Anthropic read the same list by other names. */
const listSchema = z.object({
  ...{ object: z.literal('list'), data: z.array(modelSchema), has_more: z.literal(false) },
  ...{ first_id: z.nullable(z.string()), last_id: z.nullable(z.string()) },
})

/** `GET /v1/models` and `/v1/models/:model`: what can be asked for now, on the network and here. */
export const modelRoutes: GatewayPlugin = (app, { node, clock }) => {
  // Files of models have no date that all would agree on.
  const created = Math.floor(clock.nowMs() / 1_000)
  const view = ({ name, ...shoal }: KnownModel): Model => ({
    ...{ id: name, object: 'model', created, owned_by: 'shoal' },
    ...{ type: 'model', display_name: name, created_at: new Date(created * 1_000).toISOString() },
    shoal,
  })
  app.route({
    method: 'GET',
    url: '/v1/models',
    config: { needs: 'look', dialect: 'openai' },
    schema: {
      summary: 'Models that can be asked for',
      tags: ['OpenAI'],
      response: { 200: listSchema, ...openaiErrors },
    },
    handler: async ({ principal }, reply) => {
      const data = knownModels(node, { models: principal?.policy.models ?? null }).map(view)
      const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
      return reply.send({ object: 'list', data, has_more: false, ...ends })
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/models/:model',
    config: { needs: 'look', dialect: 'openai' },
    schema: {
      summary: 'One model',
      tags: ['OpenAI'],
      params: z.object({ model: z.string().max(200) }),
      response: { 200: modelSchema, ...openaiErrors },
    },
    handler: async ({ params, principal }, reply) => {
      const known = knownModels(node, { models: principal?.policy.models ?? null })
      const found = known.find(
        ({ name, ids }) => name === params.model || ids.some(id => isNamed(params.model, id)),
      )
      if (found !== undefined) return reply.send(view(found))
      throw new GatewayError('NOT_FOUND', 'nobody offers this model', {
        param: 'model',
        fix: '/v1/models tells which there are.',
      })
    },
  })
}
