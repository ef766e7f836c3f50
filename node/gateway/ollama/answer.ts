import type { ShoalError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import { errorBody } from '../http/http-error.ts'
import type { GatewayContext, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import { SseStream } from '../http/sse.ts'
import { streamed } from '../http/streamed.ts'
import { runCall } from '../inference/call.ts'
import type { CanonicalRequest } from '../inference/canonical-request.ts'
import type { InferenceEvent, InferenceResult } from '../inference/inference-service.ts'
import { resultHeaders, shoalBody } from '../inference/shoal-info.ts'
import type { AnswerMessage } from './schema.ts'
import { callsOf, doneReasonOf, logprobsOf } from './translation.ts'

const NS_PER_MS = 1_000_000

/** How one of the two text endpoints says it. */
export interface AnswerForm {
  /** A part of an answer, or all of it, as its line's own fields. */
  part: (message: AnswerMessage) => Record<string, unknown>
}

/** Does what a request asks for and answers in Ollama's way: JSON lines as it goes, or one JSON. */
export async function answer(
  call: { request: GatewayRequest; reply: GatewayReply; canonical: CanonicalRequest; isStream: boolean },
  form: AnswerForm,
  context: GatewayContext,
): Promise<GatewayReply> {
  const { reply, canonical, isStream } = call
  const { clock, log } = context
  const timing = new Timing(clock)
  if (!isStream) {
    const result = await runCall(call, context, (_choice, event) => timing.take(event))
    resultHeaders(reply, result.shoal)
    const { text, toolCalls, logprobs } = result.choices[0]!
    const calls = toolCalls.length === 0 ? {} : { tool_calls: callsOf(toolCalls)! }
    return reply.send({
      ...form.part({ role: 'assistant', content: text, ...calls }),
      ...(logprobs === null ? {} : { logprobs: logprobsOf(logprobs) }),
      ...endOf(result, timing, clock),
    })
  }
  // Clients read every line as JSON: there is none that only keeps the connection.
  const stream = new SseStream({ contentType: 'application/x-ndjson', heartbeatMs: null }, { reply, clock })
  const lines = new AnswerLines({ model: canonical.model ?? 'auto', form }, { stream, clock })
  const tell = (error: ShoalError) => stream.write(`${JSON.stringify(errorBody(error, 'ollama'))}\n`)
  await streamed({ stream, tell, log }, async () => {
    const result = await runCall(call, context, (_choice, event) => {
      timing.take(event)
      lines.take(event)
    })
    lines.end(endOf(result, timing, clock))
  })
  return reply
}

/** An answer line by line; a call of a tool is told when it is whole. */
class AnswerLines {
  readonly #form: AnswerForm
  readonly #stream: Pick<SseStream, 'write' | 'end'>
  readonly #clock: Clock
  #model: string
  #call: { name: string; arguments: string } | null = null

  constructor(
    options: { model: string; form: AnswerForm },
    modules: { stream: Pick<SseStream, 'write' | 'end'>; clock: Clock },
  ) {
    this.#model = options.model
    this.#form = options.form
    this.#stream = modules.stream
    this.#clock = modules.clock
  }

  take(event: InferenceEvent): void {
    if (event.type === 'provider') this.#model = event.model
    else if (event.type === 'text') {
      this.#tellCall()
      const logprobs = event.logprobs === undefined ? {} : { logprobs: logprobsOf(event.logprobs) }
      this.#tell({ role: 'assistant', content: event.text }, logprobs)
    } else if (event.type === 'tool_call') {
      this.#tellCall()
      this.#call = { name: event.name, arguments: '' }
    } else if (event.type === 'tool_arguments' && this.#call !== null) this.#call.arguments += event.text
  }

  end(ending: Record<string, unknown>): void {
    this.#tellCall()
    const empty = this.#form.part({ role: 'assistant', content: '' })
    this.#stream.write(`${JSON.stringify({ ...empty, ...ending })}\n`)
    this.#stream.end()
  }

  #tellCall(): void {
    const call = this.#call
    this.#call = null
    if (call !== null) this.#tell({ role: 'assistant', content: '', tool_calls: callsOf([call])! }, {})
  }

  #tell(message: AnswerMessage, more: Record<string, unknown>): void {
    const head = { model: this.#model, created_at: new Date(this.#clock.nowMs()).toISOString() }
    this.#stream.write(`${JSON.stringify({ ...head, ...this.#form.part(message), done: false, ...more })}\n`)
  }
}

/** When it began, and when its first word came. */
class Timing {
  readonly #clock: Clock
  readonly startedAtMs: number
  firstAtMs: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
    this.startedAtMs = clock.nowMs()
  }

  take({ type }: InferenceEvent): void {
    if (type === 'text' || type === 'tool_call') this.firstAtMs ??= this.#clock.nowMs()
  }
}

function endOf({ choices, usage, shoal }: InferenceResult, timing: Timing, clock: Clock) {
  const nowMs = clock.nowMs()
  const firstAtMs = timing.firstAtMs ?? nowMs
  return {
    model: shoal.model,
    created_at: new Date(nowMs).toISOString(),
    done: true,
    done_reason: doneReasonOf(choices[0]!.finish),
    total_duration: nanoseconds(nowMs - timing.startedAtMs),
    load_duration: 0,
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(firstAtMs - timing.startedAtMs),
    eval_count: usage.outputTokens,
    eval_duration: nanoseconds(nowMs - firstAtMs),
    shoal: shoalBody(shoal),
  }
}

export function nanoseconds(ms: number): number {
  return Math.round(Math.max(0, ms) * NS_PER_MS)
}
