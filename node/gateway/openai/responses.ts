import { z } from 'zod'
import type { ShoalError } from '../../../protocol/errors.ts'
import { randomHex } from '../../random-hex.ts'
import { errorBody, GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin, GatewayRequest } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { runCall } from '../inference/call.ts'
import { resultHeaders } from '../inference/shoal-info.ts'
import { openaiErrors } from './chat-schema.ts'
import { ResponseBuilder } from './response-builder.ts'
import { ResponseStore, type StoredResponse } from './response-store.ts'
import { responseSchema, responsesRequestSchema } from './responses-schema.ts'
import { newResponse, responsesRequest } from './responses-translation.ts'

const idParams = z.object({ id: z.string().max(128) })
const deletedSchema = z.object({ id: z.string(), object: z.literal('response'), deleted: z.literal(true) })

/** `/v1/responses`, with those that may be gone on from. */
export const responseRoutes: GatewayPlugin = (app, context) => {
  const { clock } = context
  const store = new ResponseStore()
  const stored = (request: GatewayRequest, id: string, param: string): StoredResponse => {
    const found = store.get(tenantOf(request), id)
    if (found !== null) return found
    throw new GatewayError('NOT_FOUND', 'there is no such response, or no more', {
      param,
      fix: 'Send the conversation whole, as input.',
    })
  }
  app.route({
    method: 'POST',
    url: '/v1/responses',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'Make a response',
      tags: ['OpenAI'],
      body: responsesRequestSchema,
      response: { 200: responseSchema, ...openaiErrors },
    },
    handler: async (request, reply) => {
      const { body } = request
      const previous = body.previous_response_id
      const before = previous == null ? [] : stored(request, previous, 'previous_response_id').messages
      const { canonical, messages } = responsesRequest(body, request.headers, before)
      const call = { request, reply, canonical }
      const created = Math.floor(clock.nowMs() / 1_000)
      const response = newResponse(body, { id: `resp_${randomHex(16)}`, created })
      const keep = (said: StoredResponse['messages'][number]) => {
        if (response.store) store.put(tenantOf(request), { body: response, messages: [...messages, said] })
      }
      if (body.stream !== true) {
        const builder = new ResponseBuilder(response, () => {})
        const result = await runCall(call, context, (_, event) => builder.take(event))
        keep(builder.end(result))
        resultHeaders(reply, result.shoal)
        return reply.send(response)
      }
      const stream = new SseStream({}, { reply, clock })
      let sequence = 0
      const builder = new ResponseBuilder(response, ({ type, ...event }) =>
        stream.send({ event: type, data: { type, sequence_number: sequence++, ...event } }),
      )
      const tell = (error: ShoalError) => {
        const { error: said } = errorBody(error, 'openai') as { error: { code: string; message: string } }
        const { code, message } = said
        builder.fail({ code, message })
        stream.send({
          event: 'error',
          data: { type: 'error', sequence_number: sequence++, code, message, param: null },
        })
      }
      await streamed({ stream, tell, log: context.log }, async () => {
        const result = await runCall(call, context, (_, event) => builder.take(event))
        keep(builder.end(result))
        stream.end()
      })
      return reply
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/responses/:id',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'A response made before',
      tags: ['OpenAI'],
      params: idParams,
      response: { 200: responseSchema, ...openaiErrors },
    },
    handler: async (request, reply) => reply.send(stored(request, request.params.id, 'id').body),
  })
  app.route({
    method: 'DELETE',
    url: '/v1/responses/:id',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'Forget a response',
      tags: ['OpenAI'],
      params: idParams,
      response: { 200: deletedSchema, ...openaiErrors },
    },
    handler: async (request, reply) => {
      const { id } = request.params
      stored(request, id, 'id')
      store.delete(tenantOf(request), id)
      return reply.send({ id, object: 'response', deleted: true })
    },
  })
}

function tenantOf({ principal }: GatewayRequest): string {
  if (principal === null) throw new GatewayError('UNAUTHENTICATED', 'nobody is signed in')
  return principal.tenant
}
