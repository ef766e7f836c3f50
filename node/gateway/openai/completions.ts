import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import type { ShoalError } from '../../../protocol/errors.ts'
import { randomHex } from '../../random-hex.ts'
import { errorBody, GatewayError, modelCannot } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { runCall } from '../inference/call.ts'
import type { CanonicalRequest } from '../inference/canonical-request.ts'
import type { InferenceResult, TokenLogprob } from '../inference/inference-service.ts'
import { resultHeaders, shoalBody, shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import {
  modelField,
  openaiErrors,
  penaltyFields,
  samplingFields,
  stopField,
  streamFields,
  tokensField,
  usageSchema,
} from './chat-schema.ts'
import { finishOf, refusePenalties, samplingOf, stopsOf, usageOf } from './chat-translation.ts'

const completionRequestSchema = z
  .object({
    model: modelField,
    prompt: z
      .union([z.string(), z.array(z.string()).min(1).max(1), z.array(z.unknown())])
      .describe('One text; several, and texts as tokens, are not taken.'),
    max_tokens: tokensField,
    ...samplingFields,
    ...penaltyFields,
    ...streamFields,
    stop: stopField,
    n: z.nullish(z.int().min(1).max(8)),
    best_of: z.nullish(z.int().min(1).max(8)),
    logprobs: z.nullish(z.int().min(0).max(5)),
    echo: z.nullish(z.boolean()),
    suffix: z.nullish(z.string()),
  })
  .describe('A text to go on from, as OpenAI has it.')
type CompletionRequest = z.output<typeof completionRequestSchema>

const completionResponseSchema = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      text: z.string(),
      logprobs: z.nullable(
        z.object({
          tokens: z.array(z.string()),
          token_logprobs: z.array(z.number()),
          top_logprobs: z.array(z.record(z.string(), z.number())),
          text_offset: z.array(z.int()),
        }),
      ),
      finish_reason: z.enum(['stop', 'length']),
    }),
  ),
  usage: usageSchema,
  shoal: shoalInfoSchema,
})
type CompletionResponse = z.output<typeof completionResponseSchema>
type CompletionLogprobs = CompletionResponse['choices'][number]['logprobs']

/** `POST /v1/completions`. */
export const completionRoutes: GatewayPlugin = (app, context) => {
  const { clock } = context
  app.route({
    method: 'POST',
    url: '/v1/completions',
    config: { needs: 'infer', dialect: 'openai' },
    schema: {
      summary: 'Go on with a text',
      tags: ['OpenAI'],
      body: completionRequestSchema,
      response: { 200: completionResponseSchema, ...openaiErrors },
    },
    handler: async (request, reply) => {
      const { body } = request
      const canonical = completionRequest(body, request.headers)
      const call = { request, reply, canonical }
      const head = {
        id: `cmpl-${randomHex(12)}`,
        object: 'text_completion' as const,
        created: Math.floor(clock.nowMs() / 1_000),
      }
      if (body.stream !== true) {
        const result = await runCall(call, context)
        resultHeaders(reply, result.shoal)
        return reply.send(completionResponse(result, head))
      }
      const stream = new SseStream({}, { reply, clock })
      const withUsage = body.stream_options?.include_usage === true
      let model = canonical.model ?? 'auto'
      const offsets: number[] = []
      const tell = (
        index: number,
        text: string,
        finish: string | null,
        logprobs: CompletionLogprobs,
        more = {},
      ) =>
        stream.send({
          data: {
            ...{ ...head, model, choices: [{ index, text, logprobs, finish_reason: finish }] },
            ...(withUsage ? { usage: null } : {}),
            ...more,
          },
        })
      const fail = (error: ShoalError) => stream.send({ data: errorBody(error, 'openai') })
      await streamed({ stream, tell: fail, log: context.log }, async () => {
        const result = await runCall(call, context, (choice, event) => {
          if (event.type === 'provider') model = event.model
          if (event.type !== 'text') return
          const offset = offsets[choice] ?? 0
          offsets[choice] = offset + event.text.length
          tell(
            choice,
            event.text,
            null,
            event.logprobs === undefined ? null : logprobsOf(event.logprobs, offset),
          )
        })
        model = result.shoal.model
        const last = result.choices.length - 1
        for (const [index, choice] of result.choices.entries())
          tell(index, '', finishOf(choice), null, index === last && !withUsage ? { shoal: result.shoal } : {})
        if (withUsage)
          stream.send({
            data: { ...head, model, choices: [], usage: usageOf(result.usage), shoal: result.shoal },
          })
        stream.send({ data: '[DONE]' })
        stream.end()
      })
      return reply
    },
  })
}

function completionRequest(body: CompletionRequest, headers: IncomingHttpHeaders): CanonicalRequest {
  refusePenalties(body)
  if (body.echo === true) throw modelCannot('echo', 'the prompt is not said again')
  if (body.suffix != null && body.suffix !== '')
    throw modelCannot('suffix', 'text is gone on with at its end only')
  const n = body.n ?? 1
  if (body.best_of != null && body.best_of !== n) throw modelCannot('best_of', 'all answers are shown')
  return {
    model: body.model,
    input: { kind: 'completion', prompt: promptOf(body.prompt) },
    // As OpenAI has it.
    maxTokens: body.max_tokens ?? 16,
    ...samplingOf(body),
    stop: stopsOf(body.stop),
    n,
    tools: [],
    toolChoice: 'none',
    responseFormat: { type: 'text' },
    logprobs: body.logprobs ?? null,
    shoal: shoalOptionsFrom(body.shoal, headers),
  }
}

function promptOf(prompt: CompletionRequest['prompt']): string {
  const [only, ...others] = typeof prompt === 'string' ? [prompt] : prompt
  if (typeof only === 'string' && others.length === 0) return only
  throw new GatewayError(
    'MODEL_CANNOT',
    'prompt: several prompts in one request, and prompts as tokens, are not taken',
    {
      param: 'prompt',
      fix: 'Send each prompt as a text of its own.',
    },
  )
}

function completionResponse(
  { choices, usage, shoal }: InferenceResult,
  head: Pick<CompletionResponse, 'id' | 'object' | 'created'>,
): CompletionResponse {
  return {
    ...head,
    model: shoal.model,
    choices: choices.map((choice, index) => ({
      index,
      text: choice.text,
      logprobs: choice.logprobs === null ? null : logprobsOf(choice.logprobs, 0),
      finish_reason: finishOf(choice) === 'length' ? 'length' : 'stop',
    })),
    usage: usageOf(usage),
    shoal: shoalBody(shoal),
  }
}

/** @param offset characters of the answer before these */
function logprobsOf(logprobs: readonly TokenLogprob[], offset: number): NonNullable<CompletionLogprobs> {
  let at = offset
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      const begins = at
      at += token.length
      return begins
    }),
  }
}
