import { randomHex } from '../../random-hex.ts'
import type { CanonicalMessage } from '../inference/canonical-request.ts'
import type { InferenceEvent, InferenceResult, TokenLogprob } from '../inference/inference-service.ts'
import { shoalBody } from '../inference/shoal-info.ts'
import { logprobsOf } from './chat-translation.ts'
import type {
  ResponseBody,
  ResponseCallItem,
  ResponseMessageItem,
  ResponseOutputItem,
  ResponseTextPart,
} from './responses-schema.ts'

/** One event of a response's stream, its sequence number left out. */
export interface ResponseEvent {
  type: string
  [field: string]: unknown
}

/** Puts a response together from what happens, and tells each step as OpenAI's stream has it. */
export class ResponseBuilder {
  readonly body: ResponseBody
  readonly #tell: (event: ResponseEvent) => void
  #message: { item: ResponseMessageItem; part: ResponseTextPart; index: number } | null = null
  #call: { item: ResponseCallItem; index: number } | null = null
  #hasBegun = false

  constructor(body: ResponseBody, tell: (event: ResponseEvent) => void) {
    this.body = body
    this.#tell = tell
  }

  take(event: InferenceEvent): void {
    switch (event.type) {
      case 'provider':
        this.body.model = event.model
        return
      case 'text':
        if (event.text !== '') this.#text(event.text, event.logprobs)
        return
      case 'tool_call':
        this.#beginCall(event.id, event.name)
        return
      case 'tool_arguments':
        this.#arguments(event.text)
        return
      default:
    }
  }

  /** @returns what the model said, for who goes on from it */
  end(result: InferenceResult): CanonicalMessage {
    const { body } = this
    const [choice] = result.choices as [InferenceResult['choices'][number]]
    // What says nothing and calls nothing is a message without text.
    if (choice.text === '' && choice.toolCalls.length === 0) this.#beginMessage()
    const isWhole = choice.finish === 'stop' || choice.finish === 'tool_calls'
    this.#endMessage(isWhole ? 'completed' : 'incomplete')
    this.#endCall(isWhole ? 'completed' : 'incomplete')
    const { promptTokens, outputTokens } = result.usage
    body.model = result.shoal.model
    body.status = isWhole ? 'completed' : 'incomplete'
    body.incomplete_details = isWhole ? null : { reason: 'max_output_tokens' }
    body.usage = {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + outputTokens,
    }
    body.shoal = shoalBody(result.shoal)
    this.#tell({ type: isWhole ? 'response.completed' : 'response.incomplete', response: body })
    return { role: 'assistant', text: choice.text, toolCalls: choice.toolCalls }
  }

  fail(error: { code: string; message: string }): void {
    this.body.status = 'failed'
    this.body.error = error
    this.#tell({ type: 'response.failed', response: this.body })
  }

  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#tell({ type: 'response.created', response: this.body })
    this.#tell({ type: 'response.in_progress', response: this.body })
  }

  #text(text: string, chances: readonly TokenLogprob[] | undefined): void {
    this.#beginMessage()
    const { item, part, index } = this.#message!
    part.text += text
    const logprobs = chances === undefined ? [] : (logprobsOf(chances)?.content ?? [])
    part.logprobs.push(...logprobs)
    this.#tell({
      type: 'response.output_text.delta',
      ...{ item_id: item.id, output_index: index, content_index: 0, delta: text, logprobs },
    })
  }

  #beginMessage(): void {
    if (this.#message !== null) return
    this.#endCall('completed')
    const item: ResponseMessageItem = {
      ...{ id: itemId('msg'), type: 'message', role: 'assistant', status: 'in_progress', content: [] },
    }
    const part: ResponseTextPart = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    const index = this.#add(item)
    this.#message = { item, part, index }
    this.#tell({
      type: 'response.content_part.added',
      ...{ item_id: item.id, output_index: index, content_index: 0, part: { ...part } },
    })
    item.content.push(part)
  }

  #endMessage(status: 'completed' | 'incomplete'): void {
    if (this.#message === null) return
    const { item, part, index } = this.#message
    this.#message = null
    const at = { item_id: item.id, output_index: index, content_index: 0 }
    this.#tell({ type: 'response.output_text.done', ...at, text: part.text, logprobs: part.logprobs })
    this.#tell({ type: 'response.content_part.done', ...at, part })
    item.status = status
    this.#tell({ type: 'response.output_item.done', output_index: index, item })
  }

  #beginCall(id: string, name: string): void {
    this.#endMessage('completed')
    this.#endCall('completed')
    const item: ResponseCallItem = {
      ...{ id: itemId('fc'), type: 'function_call', status: 'in_progress', call_id: id, name, arguments: '' },
    }
    this.#call = { item, index: this.#add(item) }
  }

  #arguments(text: string): void {
    if (this.#call === null) return
    const { item, index } = this.#call
    item.arguments += text
    this.#tell({
      type: 'response.function_call_arguments.delta',
      ...{ item_id: item.id, output_index: index, delta: text },
    })
  }

  #endCall(status: 'completed' | 'incomplete'): void {
    if (this.#call === null) return
    const { item, index } = this.#call
    this.#call = null
    const { id, name, arguments: given } = item
    this.#tell({
      type: 'response.function_call_arguments.done',
      ...{ item_id: id, output_index: index, name, arguments: given },
    })
    item.status = status
    this.#tell({ type: 'response.output_item.done', output_index: index, item })
  }

  #add(item: ResponseOutputItem): number {
    this.#begin()
    const index = this.body.output.push(item) - 1
    this.#tell({ type: 'response.output_item.added', output_index: index, item })
    return index
  }
}

function itemId(kind: string): string {
  return `${kind}_${randomHex(12)}`
}
