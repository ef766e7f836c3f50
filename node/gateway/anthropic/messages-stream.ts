import type { SseStream } from '../http/sse.ts'
import type { InferenceEvent, InferenceResult } from '../inference/inference-service.ts'
import { stopOf, usageOf } from './messages-translation.ts'

type Told = Pick<SseStream, 'send' | 'end' | 'isOpen'>

export interface MessagesStreamOptions {
  id: string
  /** As it was asked for, until it is known which one answers. */
  model: string
  stop: readonly string[]
}

/**
 * Writes an answer as Anthropic's stream of events: the message, then its blocks one after the other, each with a start, its
 * pieces and a stop. Nothing is sent before the first piece, so that errors until then have a status.
 */
export class MessagesStream {
  readonly #options: MessagesStreamOptions
  readonly #stream: Told
  #model: string
  #hasBegun = false
  #block: 'text' | 'tool_use' | null = null
  #blocks = 0

  constructor(options: MessagesStreamOptions, modules: { stream: Told }) {
    this.#options = options
    this.#stream = modules.stream
    this.#model = options.model
  }

  take(event: InferenceEvent): void {
    switch (event.type) {
      case 'provider':
        this.#model = event.model
        return
      case 'text':
        if (event.text === '') return
        if (this.#block !== 'text') this.#start('text', { type: 'text', text: '', citations: null })
        this.#delta({ type: 'text_delta', text: event.text })
        return
      case 'tool_call':
        this.#start('tool_use', { type: 'tool_use', id: event.id, name: event.name, input: {} })
        return
      case 'tool_arguments':
        this.#delta({ type: 'input_json_delta', partial_json: event.text })
        return
      default:
    }
  }

  /** The whole has been told. */
  end({ choices, usage, shoal }: InferenceResult): void {
    this.#begin()
    this.#stop()
    this.#send('message_delta', {
      delta: { ...stopOf(choices[0]!, this.#options.stop), container: null, stop_details: null },
      usage: usageOf(usage),
      shoal,
    })
    this.#send('message_stop', {})
    this.#stream.end()
  }

  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#send('message_start', {
      message: {
        ...{ id: this.#options.id, type: 'message', role: 'assistant', model: this.#model, content: [] },
        ...{ stop_reason: null, stop_sequence: null },
        // Tokens are told at the end, when they are known.
        usage: usageOf({ promptTokens: 0, outputTokens: 0 }),
      },
    })
  }

  #start(kind: 'text' | 'tool_use', content_block: Record<string, unknown>): void {
    this.#begin()
    this.#stop()
    this.#block = kind
    this.#send('content_block_start', { index: this.#blocks, content_block })
  }

  #delta(delta: Record<string, unknown>): void {
    this.#send('content_block_delta', { index: this.#blocks, delta })
  }

  #stop(): void {
    if (this.#block === null) return
    this.#send('content_block_stop', { index: this.#blocks })
    this.#block = null
    this.#blocks += 1
  }

  #send(event: string, data: Record<string, unknown>): void {
    this.#stream.send({ event, data: { type: event, ...data } })
  }
}
