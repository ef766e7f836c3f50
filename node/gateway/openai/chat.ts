import type { ShoalError } from '../../../protocol/errors.ts'
import { randomHex } from '../../random-hex.ts'
import { errorBody } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { runCall } from '../inference/call.ts'
import type { InferenceEvent, InferenceResult } from '../inference/inference-service.ts'
import { resultHeaders } from '../inference/shoal-info.ts'
import { chatRequestSchema, chatResponseSchema, openaiErrors } from './chat-schema.ts'
import { chatRequest, chatResponse, finishOf, logprobsOf, usageOf } from './chat-translation.ts'

/** `POST /v1/chat/completions`. */
export const chatRoutes: GatewayPlugin = (app, context) => {
  const { clock } = context
  app.route({
    method: 'POST',
    url: '/v1/chat/completions',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'Answer a chat',
      tags: ['OpenAI'],
      body: chatRequestSchema,
      response: { 200: chatResponseSchema, ...openaiErrors },
    },
    handler: async (request, reply) => {
      const { body } = request
      const canonical = chatRequest(body, request.headers)
      const call = { request, reply, canonical }
      const head = {
        id: `chatcmpl-${randomHex(12)}`,
        created: Math.floor(clock.nowMs() / 1_000),
      }
      if (body.stream !== true) {
        const result = await runCall(call, context)
        resultHeaders(reply, result.shoal)
        return reply.send(chatResponse(result, head))
      }
      const stream = new SseStream({}, { reply, clock })
      const chunks = new ChatChunks(
        { ...head, model: canonical.model ?? 'auto', withUsage: body.stream_options?.include_usage === true },
        stream,
      )
      const tell = (error: ShoalError) => stream.send({ data: errorBody(error, 'openai') })
      await streamed({ stream, tell, log: context.log }, async () => {
        chunks.end(await runCall(call, context, (choice, event) => chunks.take(choice, event)))
      })
      return reply
    },
  })
}

/** Writes an answer as chunks of OpenAI's stream. */
class ChatChunks {
  readonly #stream: SseStream
  readonly #head: { id: string; created: number }
  readonly #withUsage: boolean
  readonly #begun = new Set<number>()
  #model: string
  /** What every chunk begins with; made anew when the model is known. */
  #prefix = ''

  constructor(
    options: { id: string; created: number; model: string; withUsage: boolean },
    stream: SseStream,
  ) {
    this.#head = { id: options.id, created: options.created }
    this.#model = options.model
    this.#withUsage = options.withUsage
    this.#stream = stream
  }

  take(choice: number, event: InferenceEvent): void {
    switch (event.type) {
      case 'provider':
        this.#model = event.model
        this.#prefix = ''
        return
      case 'text': {
        this.#begin(choice)
        const logprobs = event.logprobs === undefined ? 'null' : JSON.stringify(logprobsOf(event.logprobs))
        this.#delta(choice, `{"content":${JSON.stringify(event.text)}}`, 'null', logprobs)
        return
      }
      case 'tool_call': {
        this.#begin(choice)
        const { index, id, name } = event
        const call = { index, id, type: 'function', function: { name, arguments: '' } }
        this.#delta(choice, `{"tool_calls":[${JSON.stringify(call)}]}`)
        return
      }
      case 'tool_arguments': {
        const call = { index: event.index, function: { arguments: event.text } }
        this.#delta(choice, `{"tool_calls":[${JSON.stringify(call)}]}`)
        return
      }
      default:
    }
  }

  end(result: InferenceResult): void {
    this.#model = result.shoal.model
    this.#prefix = ''
    const last = result.choices.length - 1
    const shoal = JSON.stringify(result.shoal)
    for (const [index, choice] of result.choices.entries()) {
      this.#begin(index)
      const isLast = index === last && !this.#withUsage
      this.#delta(index, '{}', JSON.stringify(finishOf(choice)), 'null', isLast ? `,"shoal":${shoal}` : '')
    }
    if (this.#withUsage) {
      const usage = JSON.stringify(usageOf(result.usage))
      this.#stream.write(`${this.#beginning()}],"usage":${usage},"shoal":${shoal}}\n\n`)
    }
    this.#stream.write('data: [DONE]\n\n')
    this.#stream.end()
  }

  /** The first chunk of a choice says who speaks. */
  #begin(choice: number): void {
    if (this.#begun.has(choice)) return
    this.#begun.add(choice)
    this.#delta(choice, '{"role":"assistant","content":"","refusal":null}')
  }

  #delta(choice: number, delta: string, finish = 'null', logprobs = 'null', more = ''): void {
    const usage = this.#withUsage ? ',"usage":null' : ''
    this.#stream.write(
      `${this.#beginning()}{"index":${choice},"delta":${delta},"logprobs":${logprobs},"finish_reason":${finish}}]${usage}${more}}\n\n`,
    )
  }

  #beginning(): string {
    if (this.#prefix === '') {
      const { id, created } = this.#head
      const head = { id, object: 'chat.completion.chunk', created, model: this.#model }
      this.#prefix = `data: ${JSON.stringify(head).slice(0, -1)},"choices":[`
    }
    return this.#prefix
  }
}
