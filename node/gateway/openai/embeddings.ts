import { z } from 'zod'
import { packVectors } from '../../../protocol/vectors.ts'
import { GatewayError, modelCannot } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { runEmbedding } from '../inference/call.ts'
import type { EmbeddingResult } from '../inference/inference-service.ts'
import { resultHeaders, shoalBody, shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsFrom, shoalOptionsSchema } from '../inference/shoal-options.ts'
import { modelField, openaiErrors } from './chat-schema.ts'

/** As of OpenAI. */
const MAX_INPUTS = 2_048

const embeddingsRequestSchema = z
  .object({
    model: modelField,
    input: z
      .union([z.string(), z.array(z.string()).max(MAX_INPUTS), z.array(z.unknown()).max(MAX_INPUTS)])
      .describe('One text or several; texts as tokens are not taken.'),
    encoding_format: z.nullish(z.enum(['float', 'base64'])),
    dimensions: z.nullish(z.int().min(1)).describe('Not taken: vectors are as long as the model makes them.'),
    user: z.nullish(z.string()),
    shoal: shoalOptionsSchema.optional(),
  })
  .describe('Texts to embed, as OpenAI has it.')

const embeddingsResponseSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z
        .union([z.array(z.number()), z.string()])
        .describe('Of length 1: numbers, or base64 of singles in little-endian order.'),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  shoal: shoalInfoSchema,
})
type EmbeddingsResponse = z.output<typeof embeddingsResponseSchema>

/** `POST /v1/embeddings`. */
export const embeddingRoutes: GatewayPlugin = (app, context) => {
  app.route({
    method: 'POST',
    url: '/v1/embeddings',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'Embed texts',
      tags: ['OpenAI'],
      body: embeddingsRequestSchema,
      response: { 200: embeddingsResponseSchema, ...openaiErrors },
    },
    handler: async (request, reply) => {
      const { model, input, encoding_format, dimensions, shoal } = request.body
      if (dimensions != null) throw modelCannot('dimensions', 'vectors are as long as the model makes them')
      const embedding = { model, inputs: textsOf(input), shoal: shoalOptionsFrom(shoal, request.headers) }
      const result = await runEmbedding({ request, reply, embedding }, context)
      resultHeaders(reply, result.shoal)
      return reply.send(embeddingsResponse(result, encoding_format === 'base64'))
    },
  })
}

function textsOf(input: string | readonly unknown[]): string[] {
  if (typeof input === 'string') return [input]
  if (input.every(text => typeof text === 'string')) return [...input]
  throw new GatewayError('MODEL_CANNOT', 'texts as tokens are not taken', {
    param: 'input',
    fix: 'Send strings.',
  })
}

function embeddingsResponse(
  { vectors, usage: { promptTokens }, shoal }: EmbeddingResult,
  isBase64: boolean,
): EmbeddingsResponse {
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      ...{ object: 'embedding', index },
      embedding: isBase64 ? Buffer.from(packVectors([vector])).toString('base64') : [...vector],
    })),
    model: shoal.model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
    shoal: shoalBody(shoal),
  }
}
