import type { ShoalError } from '../../../protocol/errors.ts'
import { randomHex } from '../../random-hex.ts'
import { errorBody } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { runCall } from '../inference/call.ts'
import { countPromptTokens } from '../inference/prompt-tokens.ts'
import { resultHeaders } from '../inference/shoal-info.ts'
import {
  anthropicErrors,
  countTokensResponseSchema,
  countTokensSchema,
  messagesRequestSchema,
  messagesResponseSchema,
} from './messages-schema.ts'
import { MessagesStream } from './messages-stream.ts'
import { messagesPrompt, messagesRequest, messagesResponse } from './messages-translation.ts'

/** Anthropic's API. */
export const anthropicRoutes: GatewayPlugin = (app, context) => {
  app.route({
    method: 'POST',
    url: '/v1/messages',
    config: { needs: 'infer', dialect: 'anthropic' },
    schema: {
      summary: 'Answer a conversation',
      tags: ['Anthropic'],
      body: messagesRequestSchema,
      response: { 200: messagesResponseSchema, ...anthropicErrors },
    },
    handler: async (request, reply) => {
      const canonical = messagesRequest(request.body, request.headers)
      const call = { request, reply, canonical }
      const id = `msg_${randomHex(12)}`
      void reply.header('request-id', `req_${randomHex(12)}`)
      if (request.body.stream !== true) {
        const result = await runCall(call, context)
        resultHeaders(reply, result.shoal)
        return reply.send(messagesResponse(result, { id, stop: canonical.stop }))
      }
      const stream = new SseStream({}, { reply, clock: context.clock })
      const events = new MessagesStream(
        { id, model: canonical.model ?? 'auto', stop: canonical.stop },
        { stream },
      )
      const tell = (error: ShoalError) => stream.send({ event: 'error', data: errorBody(error, 'anthropic') })
      await streamed({ stream, tell, log: context.log }, async () => {
        events.end(await runCall(call, context, (_choice, event) => events.take(event)))
      })
      return reply
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/messages/count_tokens',
    config: { needs: 'infer', dialect: 'anthropic' },
    schema: {
      summary: 'Count the tokens of a conversation',
      description: 'Exact where this node runs the model itself, else an estimate. Costs nothing.',
      tags: ['Anthropic'],
      body: countTokensSchema,
      response: { 200: countTokensResponseSchema, ...anthropicErrors },
    },
    handler: async request => {
      const { tokens, isEstimate } = await countPromptTokens(messagesPrompt(request.body), {
        node: context.node,
        signal: context.stopping,
      })
      return { input_tokens: tokens, shoal: { isEstimate } }
    },
  })
}
