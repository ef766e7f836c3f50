import { z } from 'zod'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import type { ShoalError } from '../../../protocol/errors.ts'
import { TASK_ID_PATTERN } from '../../../protocol/ids.ts'
import { MAX_CHAT_MESSAGES, MAX_OUTPUT_TOKENS, MAX_TEXT_BYTES } from '../../../protocol/limits.ts'
import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import { CAPACITY_MODES, SLA_CLASSES } from '../../../protocol/sla-class.ts'
import { STRATEGIES } from '../../market/preferences.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { payerOf } from '../inference/call.ts'
import { type CanonicalRequest, NO_SHOAL_OPTIONS } from '../inference/canonical-request.ts'
import type { InferenceEvent, InferenceResult } from '../inference/inference-service.ts'

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  text: z.string().max(MAX_TEXT_BYTES),
})

/** A question to the network, with how it is to be done; null leaves that to the settings. Amounts are decimal credits. */
export const askInput = z.strictObject({
  messages: z.array(message).min(1).max(MAX_CHAT_MESSAGES),
  model: z.nullable(z.string().min(1).max(200)).default(null),
  maxTokens: z.nullable(z.int().min(1).max(MAX_OUTPUT_TOKENS)).default(null),
  temperature: z.number().min(0).max(5).default(0.7),
  seed: z.nullable(z.int().min(0).max(0xffff_ffff)).default(null),
  strategy: z.nullable(z.enum(STRATEGIES)).default(null),
  mode: z.nullable(z.enum(CAPACITY_MODES)).default(null),
  slaClass: z.nullable(z.enum(SLA_CLASSES)).default(null),
  dataClass: z.nullable(z.enum(DATA_CLASSES)).default(null),
  region: z.nullable(z.string().min(1).max(16)).default(null),
  maxPrice: z.nullable(z.string().regex(/^\d{1,21}(\.\d{1,18})?$/)).default(null),
  /** Who is tried first: a PeerId, `local`, or `cloud:<service>`. */
  preferredProvider: z.nullable(z.string().min(1).max(100)).default(null),
})
export type AskInput = z.input<typeof askInput>

/** One event of the answer; its type is the event's name. Amounts are decimal credits. */
export type AskEventView =
  | { type: 'started'; taskId: string }
  | { type: 'provider'; provider: string; model: string; inputPerMillion: string; outputPerMillion: string }
  | { type: 'text'; text: string; tokens: number }
  /** Of the whole answer, so far. */
  | { type: 'cost'; amount: string }
  | { type: 'failover'; from: string; why: string; attempt: number }
  | { type: 'receipt'; receipt: string }
  | {
      type: 'done'
      finish: string
      promptTokens: number
      outputTokens: number
      provider: string
      model: string
      cost: string
      receipts: readonly string[]
      attempts: number
    }
  | { type: 'error'; code: string; message: string; fix?: string }

/**
 * `POST /api/ask`: a question to the network as server-sent events, told as it happens: who does it, at which price,
 * the text, what it has cost so far, the receipt. `POST /api/ask/:taskId/stop` ends it in good order: with what has
 * come, at its price, and with its receipt.
 */
export const askRoutes: GatewayPlugin = (app, context) => {
  /** Of answers under way, by `tenant task`. */
  const running = new Map<string, AbortController>()

  app.post(
    '/api/ask',
    { schema: { tags: ['ask'], body: askInput }, config: { needs: 'infer' } },
    async (request, reply) => {
      const payer = await payerOf(request, context)
      const { tenant } = payer.principal
      const stream = new SseStream({}, { reply, clock: context.clock })
      const stopped = new AbortController()
      const signal = AbortSignal.any([stopped.signal, stream.gone, context.stopping])
      const keys: string[] = []
      const tell = (event: AskEventView) => stream.send({ event: event.type, data: event })
      const fail = ({ code, message, fix }: ShoalError) =>
        tell({ type: 'error', code, message, ...(fix === undefined ? {} : { fix }) })
      try {
        await streamed({ stream, tell: fail, log: context.log }, async () => {
          const result = await context.inference.run(canonical(request.body), {
            ...payer,
            signal,
            onEvent: (_, event) => {
              if (event.type === 'started') {
                const key = `${tenant} ${event.taskId}`
                running.set(key, stopped)
                keys.push(key)
              }
              const view = eventView(event)
              if (view !== null) tell(view)
            },
          })
          tell(doneView(result))
          stream.end()
        })
      } finally {
        for (const key of keys) running.delete(key)
      }
      return reply
    },
  )

  app.post(
    '/api/ask/:taskId/stop',
    {
      schema: { tags: ['ask'], params: z.strictObject({ taskId: z.string().regex(TASK_ID_PATTERN) }) },
      config: { needs: 'infer' },
    },
    async (request, reply) => {
      const found = running.get(`${request.principal?.tenant} ${request.params.taskId}`)
      if (found === undefined)
        throw new GatewayError('NOT_FOUND', 'no such answer is under way', {
          fix: 'It may have ended by itself.',
        })
      found.abort()
      return reply.code(202).send({ stopping: true })
    },
  )
}

function canonical(input: z.output<typeof askInput>): CanonicalRequest {
  return {
    model: input.model,
    input: {
      kind: 'chat',
      messages: input.messages.map(({ role, text }) =>
        role === 'assistant' ? { role, text, toolCalls: [] } : { role, text },
      ),
    },
    maxTokens: input.maxTokens,
    temperature: input.temperature,
    topP: 1,
    topK: 0,
    minP: 0,
    seed: input.seed,
    stop: [],
    n: 1,
    tools: [],
    toolChoice: 'none',
    responseFormat: { type: 'text' },
    logprobs: null,
    shoal: {
      ...NO_SHOAL_OPTIONS,
      strategy: input.strategy,
      mode: input.mode,
      slaClass: input.slaClass,
      dataClass: input.dataClass,
      region: input.region,
      maxPrice: input.maxPrice === null ? null : parseCredits(input.maxPrice),
      preferredProvider: input.preferredProvider,
    },
  }
}

/** Null for what has no place in an answer without tools. */
function eventView(event: InferenceEvent): AskEventView | null {
  switch (event.type) {
    case 'started':
    case 'failover':
      return event
    case 'provider':
      return {
        type: 'provider',
        provider: event.provider,
        model: event.model,
        inputPerMillion: formatCredits(event.pricePerMillion.input),
        outputPerMillion: formatCredits(event.pricePerMillion.output),
      }
    case 'text':
      return { type: 'text', text: event.text, tokens: event.tokens }
    case 'cost':
      return { type: 'cost', amount: formatCredits(event.amount) }
    case 'receipt':
      return { type: 'receipt', receipt: event.cid }
    case 'tool_call':
    case 'tool_arguments':
      return null
  }
}

function doneView({ choices, usage, shoal }: InferenceResult): AskEventView {
  const { provider, model, cost, receipts, attempts } = shoal
  return {
    type: 'done',
    finish: choices[0]?.finish ?? 'stop',
    ...usage,
    ...{ provider, model, cost, receipts, attempts },
  }
}
