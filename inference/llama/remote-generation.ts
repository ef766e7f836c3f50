import type { TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import {
  EngineError,
  type GenerateOptions,
  type GenerateRequest,
  type Generation,
  type GenerationEvent,
} from '../engine.ts'
import { fromFailure, type IpcGenerationEvent, ipcRequest, type ToEngine } from './ipc-messages.ts'

/** How a generation reaches whoever runs it. */
export interface GenerationLink {
  /** Takes the generation in. @throws {EngineError} when it cannot be run */
  open(generation: RemoteGeneration): void
  send(message: ToEngine): void
  /** It needs the engine no more. */
  close(generation: RemoteGeneration): void
}

type QueuedEvent =
  | GenerationEvent
  | { type: 'output'; tokens: number[]; text: string; logprobs?: readonly TokenLogprobs[] }

/**
 * A generation that runs in the engine process. It remembers what it has received, so that another
 * process can go on from there when that one dies: the consumer sees one stream without gap or
 * repetition. Events that the consumer has not taken are joined, so that they stay few.
 */
export class RemoteGeneration implements Generation {
  readonly id: number
  readonly request: GenerateRequest
  readonly #options: GenerateOptions
  readonly #link: GenerationLink
  readonly #queue: QueuedEvent[] = []
  readonly #tokens: number[] = []
  #text = ''
  #promptTokens: number | null = null
  #prefilledTokens = 0
  #grantedTokens: number | null
  #failure: EngineError | null = null
  #wake: (() => void) | null = null
  #isIterated = false
  #isOpened = false
  #isOver = false
  /** Engine processes that died while they ran it. */
  crashes = 0

  constructor(
    options: { id: number; request: GenerateRequest; generate: GenerateOptions },
    modules: { link: GenerationLink },
  ) {
    this.id = options.id
    this.request = options.request
    this.#options = options.generate
    this.#link = modules.link
    this.#grantedTokens = options.generate.grantedTokens ?? null
  }

  grant(totalTokens: number): void {
    if (this.#grantedTokens === null || !(totalTokens > this.#grantedTokens)) return
    this.#grantedTokens = totalTokens
    if (this.#isOpened && !this.#isOver) this.#link.send({ type: 'grant', generation: this.id, totalTokens })
  }

  cancel(): void {
    this.fail(new EngineError('CANCELLED', 'the generation was cancelled'))
    this.#release()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationEvent, void, void> {
    if (this.#isIterated) throw new TypeError('a generation can be iterated once')
    this.#isIterated = true
    const cancel = () => this.cancel()
    const { signal } = this.#options
    if (signal?.aborted === true) cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      if (this.#failure !== null) throw this.#failure
      this.#link.open(this)
      this.#isOpened = true
      while (true) {
        const event = this.#queue.shift()
        if (event !== undefined) {
          yield event
          if (event.type === 'end') return
        } else if (this.#failure !== null) throw this.#failure
        else
          await new Promise<void>(wake => {
            this.#wake = wake
          })
      }
    } finally {
      signal?.removeEventListener('abort', cancel)
      this.#release()
    }
  }

  /** The message that starts it, or goes on with it, in an engine process. */
  toMessage(): ToEngine {
    return {
      type: 'generate',
      generation: this.id,
      request: ipcRequest(this.request),
      grantedTokens: this.#grantedTokens,
      resumption: this.#tokens.length === 0 ? null : { tokens: this.#tokens, text: this.#text },
    }
  }

  /** Takes an event from the process that runs it now. */
  receive(event: IpcGenerationEvent): void {
    if (this.#isOver) return
    switch (event.type) {
      case 'start':
        // A process that goes on counts what it was given as prompt; ours stays what it was.
        if (this.#promptTokens !== null) return
        this.#promptTokens = event.promptTokens
        this.#push(event)
        return
      case 'prefill': {
        const promptTokens = Math.min(event.promptTokens, this.#promptTokens ?? 0)
        if (promptTokens <= this.#prefilledTokens) return
        this.#prefilledTokens = promptTokens
        this.#push({ type: 'prefill', promptTokens })
        return
      }
      case 'output':
        for (const token of event.tokens) this.#tokens.push(token)
        this.#text += event.text
        this.#push(event)
        return
      case 'end':
        this.#finish()
        this.#push({
          type: 'end',
          reason: event.reason,
          promptTokens: this.#promptTokens ?? event.promptTokens,
          outputTokens: this.#tokens.length,
        })
        return
      case 'failed':
        this.#finish()
        this.fail(fromFailure(event.failure))
    }
  }

  /** Ends it with an error, after what was received unless the consumer itself cancelled. */
  fail(error: EngineError): void {
    if (this.#failure !== null) return
    this.#failure = error
    if (error.code === 'CANCELLED') this.#queue.length = 0
    this.#wakeUp()
  }

  /** The engine has nothing more to do for it. */
  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#link.close(this)
  }

  /** Nobody wants it any more. */
  #release(): void {
    if (this.#isOver || !this.#isOpened) return
    this.#link.send({ type: 'cancel', generation: this.id })
    this.#finish()
  }

  #push(event: QueuedEvent): void {
    const last = this.#queue.at(-1)
    if (event.type === 'output' && last?.type === 'output') {
      // Only this class makes queued outputs, so joining in place is safe and stays linear.
      ;(last.tokens as number[]).push(...event.tokens)
      last.text += event.text
      if (event.logprobs !== undefined)
        (last.logprobs as TokenLogprobs[] | undefined)?.push(...event.logprobs)
    } else if (event.type === 'prefill' && last?.type === 'prefill')
      this.#queue[this.#queue.length - 1] = event
    else this.#queue.push(event)
    this.#wakeUp()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
