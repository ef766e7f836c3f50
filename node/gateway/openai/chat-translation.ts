import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError, modelCannot } from '../http/http-error.ts'
import type {
  CanonicalMessage,
  CanonicalRequest,
  ResponseFormat,
  ToolChoice,
} from '../inference/canonical-request.ts'
import type { InferenceChoice, InferenceResult, TokenLogprob } from '../inference/inference-service.ts'
import { shoalBody } from '../inference/shoal-info.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import type {
  ChatMessageInput,
  ChatRequest,
  ChatResponse,
  ContentInput,
  OpenaiFinish,
} from './chat-schema.ts'

/**
 * A chat of OpenAI's dialect as every dialect's.
 * @throws {GatewayError} MODEL_CANNOT for what no model of the network does: images, penalties, …
 */
export function chatRequest(body: ChatRequest, headers: IncomingHttpHeaders): CanonicalRequest {
  refusePenalties(body)
  if (body.modalities?.some(modality => modality !== 'text'))
    throw modelCannot('modalities', 'answers are text')
  if (body.top_logprobs != null && body.logprobs !== true) {
    throw new GatewayError('REQUEST_INVALID', 'top_logprobs takes logprobs', {
      param: 'top_logprobs',
      fix: 'Set logprobs to true.',
    })
  }
  const tools = body.tools ?? []
  return {
    model: body.model,
    input: {
      kind: 'chat',
      messages: body.messages.map((message, i) => canonicalMessage(message, `messages.${i}`)),
    },
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    ...samplingOf(body),
    stop: stopsOf(body.stop),
    n: body.n ?? 1,
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? null,
      parameters: parameters ?? {},
    })),
    toolChoice: toolChoiceOf(body, tools.length + (body.shoal?.tools?.length ?? 0)),
    responseFormat: responseFormatOf(body),
    logprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : null,
    shoal: shoalOptionsFrom(body.shoal, headers),
  }
}

/** What OpenAI's endpoints say of sampling, with their defaults. */
export function samplingOf(
  body: Pick<ChatRequest, 'temperature' | 'top_p' | 'top_k' | 'min_p' | 'seed'>,
): Pick<CanonicalRequest, 'temperature' | 'topP' | 'topK' | 'minP' | 'seed'> {
  return {
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    topK: body.top_k ?? 0,
    minP: body.min_p ?? 0,
    seed: body.seed ?? null,
  }
}

export function stopsOf(stop: string | string[] | null | undefined): string[] {
  return typeof stop === 'string' ? [stop] : (stop ?? [])
}

/** @throws {GatewayError} MODEL_CANNOT */
export function refusePenalties(
  body: Pick<ChatRequest, 'frequency_penalty' | 'presence_penalty' | 'logit_bias'>,
): void {
  for (const name of ['frequency_penalty', 'presence_penalty'] as const)
    if ((body[name] ?? 0) !== 0) throw modelCannot(name, 'no model of the network draws with penalties')
  if (Object.keys(body.logit_bias ?? {}).length > 0)
    throw modelCannot('logit_bias', 'no model of the network draws with a bias')
}

function canonicalMessage(message: ChatMessageInput, at: string): CanonicalMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', text: textOf(message.content, at) }
    case 'user':
      return { role: 'user', text: textOf(message.content, at) }
    case 'assistant':
      return {
        role: 'assistant',
        text: message.content == null ? '' : textOf(message.content, at),
        toolCalls: (message.tool_calls ?? []).map(({ id, function: call }) => ({ id, ...call })),
      }
    case 'tool':
      return { role: 'tool', toolCallId: message.tool_call_id, text: textOf(message.content, at) }
  }
}

function textOf(content: ContentInput, at: string): string {
  if (typeof content === 'string') return content
  return content
    .map((part, i) => {
      if (part.type === 'text') return part.text
      throw modelCannot(`${at}.content.${i}`, `models of the network read text; this is ${part.type}`)
    })
    .join('')
}

function toolChoiceOf({ tool_choice: choice }: ChatRequest, tools: number): ToolChoice {
  if (choice == null) return tools === 0 ? 'none' : 'auto'
  if (typeof choice !== 'string') return { name: choice.function.name }
  if (choice === 'required' && tools === 0) {
    throw new GatewayError('REQUEST_INVALID', 'a tool is required and there is none', {
      param: 'tool_choice',
      fix: 'Give tools.',
    })
  }
  return tools === 0 ? 'none' : choice
}

function responseFormatOf({ response_format: format }: ChatRequest): ResponseFormat {
  if (format?.type !== 'json_schema') return format ?? { type: 'text' }
  const { name, schema, strict } = format.json_schema
  return { type: 'json_schema', name, schema, strict: strict ?? false }
}

/** A whole answer as OpenAI has it. */
export function chatResponse(
  { choices, usage, shoal }: InferenceResult,
  head: { id: string; created: number },
): ChatResponse {
  return {
    ...head,
    object: 'chat.completion',
    model: shoal.model,
    choices: choices.map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.text === '' && choice.toolCalls.length > 0 ? null : choice.text,
        refusal: null,
        ...(choice.toolCalls.length === 0
          ? {}
          : {
              tool_calls: choice.toolCalls.map(({ id, name, arguments: given }) => ({
                id,
                type: 'function' as const,
                function: { name, arguments: given },
              })),
            }),
      },
      logprobs: choice.logprobs === null ? null : logprobsOf(choice.logprobs),
      finish_reason: finishOf(choice),
    })),
    usage: usageOf(usage),
    shoal: shoalBody(shoal),
  }
}

/** What was cut off by whoever asked or pays is as long as it may be. */
export function finishOf({ finish }: Pick<InferenceChoice, 'finish'>): OpenaiFinish {
  return finish === 'cancelled' ? 'length' : finish
}

export function usageOf({ promptTokens, outputTokens }: InferenceResult['usage']): ChatResponse['usage'] {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
  }
}

export function logprobsOf(logprobs: readonly TokenLogprob[]): ChatResponse['choices'][number]['logprobs'] {
  return {
    content: logprobs.map(({ token, logprob, bytes, top }) => ({
      token,
      logprob,
      bytes: bytes === null ? null : [...bytes],
      top_logprobs: top.map(other => ({ ...other, bytes: other.bytes === null ? null : [...other.bytes] })),
    })),
    refusal: null,
  }
}
