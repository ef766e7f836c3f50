import type { TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import type { GenerateOptions, GenerateRequest, Generation, GenerationEvent, StopReason } from '../engine.ts'
import { LinkedAbort } from '../linked-abort.ts'
import { StopStrings } from '../stop-strings.ts'
import { estimatePromptTokens, estimateTokens, phrase, readPart, type Usage } from './dialect.ts'
import { EventStream, EventStreamError } from './event-stream.ts'
import { type Answer, cancelled, type Exchange } from './exchange.ts'
import type { Secret } from './secret.ts'
import type { RemoteModel, RemoteService } from './service.ts'
import { errorInStream, UpstreamError } from './upstream-error.ts'
import type { WaitingRoom } from './waiting-room.ts'

export interface UpstreamGenerationOptions {
  request: GenerateRequest
  options: GenerateOptions
  service: RemoteService
  /** @throws {EngineError} when the model cannot be used */
  find: () => RemoteModel
}

export interface UpstreamGenerationModules {
  exchange: Exchange
  room: WaitingRoom
  key: Secret | null
  /** Aborts when the engine stops. */
  stopping: AbortSignal
  onFault: (error: UpstreamError) => void
  /** Told of the tokens of an answer that came to its end. */
  onTokens: (tokens: number) => void
}

/** Text of one token at the most we believe, as of peers. */
const MAX_TOKEN_CHARS = 1_024
/** Parts without text that come before and after an answer. */
const SPARE_PARTS = 1_024
/** Parts for each token asked for; models that think first say it in parts without text. */
const PARTS_PER_TOKEN = 4
/** After its end a service has so long to say how many tokens it was. */
const USAGE_TIMEOUT_MS = 2_000
const MAX_WHOLE_CHARS = 4_194_304
/** Tokens without text, one after the other, whose chances are kept until some comes. */
const MAX_UNTOLD_LOGPROBS = 1_024
const DONE = '[DONE]'

/** What of an answer has come. */
interface Tally {
  outputTokens: number
  chars: number
  parts: number
  finish: StopReason | null
  /** By a text that was to stop it, of which the service need not have known. */
  isStopped: boolean
  usage: Usage | null
  /** Of tokens whose text has not been given out. */
  logprobs: TokenLogprobs[]
}

const NOTHING = { outputTokens: 0, chars: 0, parts: 0, finish: null, isStopped: false, usage: null }

/**
 * One generation at a service. It cannot be held in the middle, so it begins once what is granted covers the
 * prompt, as far as that can be told, and all of `maxTokens`.
 */
export class UpstreamGeneration implements Generation {
  readonly #options: UpstreamGenerationOptions
  readonly #modules: UpstreamGenerationModules
  readonly #abort: LinkedAbort
  readonly #stops: StopStrings
  #granted: number
  #wake: () => void = () => {}
  #isIterated = false
  /** All of the answer has come, but for its last bytes. */
  #hasEnded = false

  constructor(options: UpstreamGenerationOptions, modules: UpstreamGenerationModules) {
    this.#options = options
    this.#modules = modules
    this.#granted = options.options.grantedTokens ?? Number.POSITIVE_INFINITY
    this.#abort = new LinkedAbort(options.options.signal, modules.stopping)
    this.#stops = new StopStrings(options.request.stop)
  }

  grant(totalTokens: number): void {
    this.#granted = Math.max(this.#granted, totalTokens)
    this.#wake()
  }

  cancel(): void {
    this.#abort.abort()
  }

  [Symbol.asyncIterator](): AsyncIterator<GenerationEvent> {
    if (this.#isIterated) throw new Error('a generation is iterated once')
    this.#isIterated = true
    return this.#run()
  }

  async *#run(): AsyncGenerator<GenerationEvent, void, undefined> {
    const { request, find } = this.#options
    let leave = () => {}
    try {
      const phrased = phrase(request, find())
      leave = await this.#modules.room.enter(this.#abort.signal)
      const promptTokens = estimatePromptTokens(request)
      yield { type: 'start', promptTokens, promptDigest: null }
      await this.#covered(promptTokens + request.maxTokens)
      const answer = await this.#modules.exchange.post(phrased.path, phrased.body, this.#abort.signal)
      const tally: Tally = { ...NOTHING, logprobs: [] }
      try {
        yield { type: 'prefill', promptTokens }
        yield* this.#read(answer, tally)
        yield* this.#rest(tally, promptTokens)
      } finally {
        answer.deadline.cancel()
        answer.response.discard(this.#hasEnded)
      }
    } catch (error) {
      if (error instanceof UpstreamError) this.#modules.onFault(error)
      throw error
    } finally {
      leave()
      this.#abort.unlink()
    }
  }

  /** Waits until so many tokens are granted. */
  async #covered(tokens: number): Promise<void> {
    while (this.#granted < tokens) {
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(cancelled())
        if (this.#abort.signal.aborted) return abort()
        this.#abort.signal.addEventListener('abort', abort, { once: true })
        this.#wake = () => {
          this.#abort.signal.removeEventListener('abort', abort)
          resolve()
        }
      })
    }
  }

  /** The output of an answer, until it says that it is done or ends. */
  async *#read({ response, deadline }: Answer, tally: Tally): AsyncGenerator<GenerationEvent> {
    const { stallTimeoutMs } = this.#options.service
    const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true
    const stream = new EventStream()
    const decoder = new TextDecoder('utf-8', { fatal: true })
    let whole = ''
    try {
      for await (const bytes of response.body) {
        if (!isStream) {
          whole += decoder.decode(bytes, { stream: true })
          if (whole.length > MAX_WHOLE_CHARS) throw this.#fail('malformed')
          continue
        }
        for (const data of stream.push(bytes)) {
          if (data === DONE) return
          const output = this.#output(data, tally)
          if (output !== null) {
            // Whoever reads slowly is not the service.
            deadline.cancel()
            yield output
          }
          if (tally.isStopped || (tally.finish !== null && tally.usage !== null)) return
          deadline.within(tally.finish === null ? stallTimeoutMs : USAGE_TIMEOUT_MS)
        }
      }
      const output = isStream ? null : this.#output(whole + decoder.decode(), tally)
      if (output !== null) yield output
    } catch (error) {
      // What it said cannot be taken, also where that follows its end.
      if (error instanceof UpstreamError) throw error
      if (this.#abort.signal.aborted) throw cancelled()
      // Only the count of tokens is missing.
      if (tally.finish !== null) return
      if (error instanceof EventStreamError || isEncodingError(error)) throw this.#fail('malformed')
      throw this.#fail(deadline.isOver ? 'stalled' : 'unreachable')
    }
  }

  /** What follows all that was read: text held back, and why it ended. */
  *#rest(tally: Tally, promptTokens: number): Generator<GenerationEvent> {
    const reason = tally.isStopped ? 'stop_string' : tally.finish
    // It broke off: what it would have said, nobody knows.
    if (reason === null) throw this.#fail('malformed')
    const held = tally.isStopped ? '' : this.#stops.flush()
    if (held !== '') yield { type: 'output', tokens: [], text: held, count: 0 }
    const usage = tally.usage ?? { promptTokens, outputTokens: tally.outputTokens }
    this.#hasEnded = !tally.isStopped
    this.#modules.onTokens(usage.promptTokens + usage.outputTokens)
    yield { type: 'end', reason, ...usage }
  }

  /** Takes one part in. @returns its text as it is told; null where it has none */
  #output(data: string, tally: Tally): GenerationEvent | null {
    const text = this.#take(data, tally)
    if (text === '') return null
    const shown = this.#stops.push(text)
    const count = estimateTokens(text)
    tally.outputTokens += count
    tally.isStopped = shown.stop !== null
    const logprobs = tally.logprobs.splice(0)
    return {
      ...{ type: 'output', tokens: [], text: shown.text, count },
      ...(logprobs.length === 0 ? {} : { logprobs }),
    }
  }

  /** Takes one part in. @returns its text */
  #take(data: string, tally: Tally): string {
    const { service, request } = this.#options
    const part = readPart(data)
    if (part.kind === 'error') throw errorInStream(service.name, data, this.#modules.key)
    if (part.kind === 'malformed') throw this.#fail('malformed')
    if (part.finish === 'filtered') throw this.#fail('filtered')
    tally.finish ??= part.finish
    tally.usage = part.usage ?? tally.usage
    if (request.logprobs !== undefined && tally.logprobs.length < MAX_UNTOLD_LOGPROBS)
      tally.logprobs.push(...part.logprobs)
    tally.chars += part.text.length
    tally.parts++
    const isTooMuch =
      tally.chars > (request.maxTokens + 1) * MAX_TOKEN_CHARS ||
      tally.parts > request.maxTokens * PARTS_PER_TOKEN + SPARE_PARTS
    if (isTooMuch) throw this.#fail('malformed')
    return part.text
  }

  #fail(fault: 'malformed' | 'stalled' | 'filtered' | 'unreachable'): UpstreamError {
    return new UpstreamError(this.#options.service.name, fault)
  }
}

/** What `TextDecoder` throws; other failures of reading are the network's. */
function isEncodingError(error: unknown): boolean {
  return (
    error instanceof TypeError && (error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
  )
}
